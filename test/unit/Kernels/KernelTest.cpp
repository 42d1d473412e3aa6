//===- KernelTest.cpp - From a function on tensors to a call --------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiles small kernels, loads them through libOctoKernels.so and calls them.
//
//===----------------------------------------------------------------------===//

#include "KernelFixture.h"

using namespace octo;
using namespace octo::test;

namespace {

// Hides the function of <strings.h>.
constexpr ElementKind index = ElementKind::Index;

TEST(Kernel, MatmulWithDynamicRows) {
  Kernel kernel(R"mlir(
    func.func @k(%a: tensor<?x3xf32>, %b: tensor<3x2xf32>) -> tensor<?x2xf32> {
      %c0 = arith.constant 0 : index
      %zero = arith.constant 0.0 : f32
      %d = tensor.dim %a, %c0 : tensor<?x3xf32>
      %e = tensor.empty(%d) : tensor<?x2xf32>
      %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
      %m = linalg.matmul ins(%a, %b : tensor<?x3xf32>, tensor<3x2xf32>)
             outs(%f : tensor<?x2xf32>) -> tensor<?x2xf32>
      return %m : tensor<?x2xf32>
    })mlir",
                {tensor(f32, {-1, 3}), tensor(f32, {3, 2})},
                {tensor(f32, {-1, 2})});
  std::vector<Tensor> out;
  Tensor b = make<float>(f32, {3, 2}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(kernel.call({make<float>(f32, {2, 3}, {1, 0, 0, 1, 1, 1}), b}, out),
            "");
  EXPECT_EQ(out[0].dim(0), 2);
  EXPECT_EQ(values<float>(out[0]), (std::vector<float>{1, 2, 9, 12}));
  EXPECT_EQ(kernel.call({Tensor::allocate(f32, {0, 3}), b}, out), "");
  EXPECT_EQ(out[0].dim(0), 0);
  EXPECT_EQ(out[0].dim(1), 2);
}

TEST(Kernel, EveryElementKind) {
  struct Case {
    const char *name;
    ElementKind kind;
  } cases[] = {{"i1", ElementKind::I1},
               {"i8", ElementKind::I8},
               {"i16", ElementKind::I16},
               {"i32", i32},
               {"i64", ElementKind::I64},
               {"index", index},
               {"f16", ElementKind::F16},
               {"bf16", ElementKind::BF16},
               {"f32", f32},
               {"f64", ElementKind::F64}};
  for (auto [name, kind] : cases) {
    SCOPED_TRACE(name);
    std::string type = std::string("tensor<2x") + name + ">";
    Kernel kernel(
        "func.func @k(%a: " + type + ", %s: " + name + ") -> (" + type + ", " +
            name + ") { return %a, %s : " + type + ", " + name + " }",
        {tensor(kind, {2}), scalar(kind)}, {tensor(kind, {2}), scalar(kind)});
    Tensor a = Tensor::allocate(kind, {2});
    Tensor s = Tensor::allocate(kind, {}, /*scalar=*/true);
    for (size_t i = 0; i < a.bytes(); ++i)
      a.as<uint8_t>()[i] =
          kind == ElementKind::I1 ? i % 2 : uint8_t(17 * i + 3);
    for (size_t i = 0; i < s.bytes(); ++i)
      s.as<uint8_t>()[i] = kind == ElementKind::I1 ? 1 : uint8_t(5 * i + 1);
    std::vector<Tensor> out;
    ASSERT_EQ(kernel.call({a, s}, out), "");
    EXPECT_EQ(std::memcmp(out[0].data(), a.data(), a.bytes()), 0);
    EXPECT_EQ(std::memcmp(out[1].data(), s.data(), s.bytes()), 0);
    // A result is never an input.
    EXPECT_NE(out[0].data(), a.data());
  }
}

TEST(Kernel, HalfArithmetic) {
  for (const char *name : {"f16", "bf16"}) {
    SCOPED_TRACE(name);
    ElementKind kind =
        std::string(name) == "f16" ? ElementKind::F16 : ElementKind::BF16;
    std::string type = std::string("tensor<3x") + name + ">";
    Kernel kernel("func.func @k(%a: " + type + ") -> " + type + " {\n" +
                      "%0 = arith.addf %a, %a : " + type + "\n" +
                      "%1 = math.exp %0 : " + type + "\n" +
                      "return %1 : " + type + " }",
                  {tensor(kind, {3})}, {tensor(kind, {3})});
    // 0, 1, -2
    std::vector<uint16_t> input =
        kind == ElementKind::F16 ? std::vector<uint16_t>{0, 0x3c00, 0xc000}
                                 : std::vector<uint16_t>{0, 0x3f80, 0xc000};
    // 1, e^2 = 7.389, e^-4 = 0.018316, rounded to the format
    std::vector<uint16_t> expected =
        kind == ElementKind::F16
            ? std::vector<uint16_t>{0x3c00, 0x4764, 0x24b0}
            : std::vector<uint16_t>{0x3f80, 0x40ec, 0x3c96};
    std::vector<Tensor> out;
    ASSERT_EQ(kernel.call({make<uint16_t>(kind, {3}, input)}, out), "");
    EXPECT_EQ(values<uint16_t>(out[0]), expected);
  }
}

TEST(Kernel, ResultsHaveBuffersOfTheirOwn) {
  Kernel kernel(R"mlir(
    func.func @k(%a: tensor<4xf32>, %c: i1)
        -> (tensor<4xf32>, tensor<4xf32>, tensor<2x2xf32>, tensor<4xf32>,
            tensor<4xf32>, tensor<2xf32>) {
      %0 = arith.addf %a, %a : tensor<4xf32>
      %1 = tensor.expand_shape %0 [[0, 1]] output_shape [2, 2]
             : tensor<4xf32> into tensor<2x2xf32>
      %2:2 = scf.if %c -> (tensor<4xf32>, tensor<4xf32>) {
        scf.yield %0, %0 : tensor<4xf32>, tensor<4xf32>
      } else {
        scf.yield %a, %0 : tensor<4xf32>, tensor<4xf32>
      }
      %3 = tensor.extract_slice %0[2] [2] [1] : tensor<4xf32> to tensor<2xf32>
      return %0, %0, %1, %2#0, %2#1, %3 : tensor<4xf32>, tensor<4xf32>,
        tensor<2x2xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2xf32>
    })mlir",
                {tensor(f32, {4}), scalar(ElementKind::I1)},
                {tensor(f32, {4}), tensor(f32, {4}), tensor(f32, {2, 2}),
                 tensor(f32, {4}), tensor(f32, {4}), tensor(f32, {2})});
  for (int8_t condition : {0, 1}) {
    Tensor a = make<float>(f32, {4}, {1, 2, 3, 4});
    std::vector<Tensor> out;
    ASSERT_EQ(kernel.call({a, Tensor::scalar(ElementKind::I1, condition)}, out),
              "");
    std::vector<float> twice = {2, 4, 6, 8};
    EXPECT_EQ(values<float>(out[0]), twice);
    EXPECT_EQ(values<float>(out[1]), twice);
    EXPECT_EQ(values<float>(out[2]), twice);
    EXPECT_EQ(values<float>(out[3]), condition ? twice : values<float>(a));
    EXPECT_EQ(values<float>(out[4]), twice);
    EXPECT_EQ(values<float>(out[5]), (std::vector<float>{6, 8}));
    EXPECT_EQ(values<float>(a), (std::vector<float>{1, 2, 3, 4}));
    for (size_t i = 0; i < out.size(); ++i) {
      EXPECT_NE(out[i].data(), a.data());
      EXPECT_TRUE(out[i].isUnique());
      for (size_t j = 0; j < i; ++j)
        EXPECT_NE(out[i].data(), out[j].data());
    }
  }
}

const char *const inPlace = R"mlir(
  func.func @k(%a: tensor<4xf32> DONATED) -> tensor<4xf32> {
    %c0 = arith.constant 0 : index
    %one = arith.constant 1.0 : f32
    %0 = tensor.insert %one into %a[%c0] : tensor<4xf32>
    return %0 : tensor<4xf32>
  })mlir";

TEST(Kernel, InputsAreLeftAlone) {
  std::string module = inPlace;
  module.replace(module.find("DONATED"), 7, "");
  Kernel kernel(module, {tensor(f32, {4})}, {tensor(f32, {4})});
  Tensor a = make<float>(f32, {4}, {5, 6, 7, 8});
  std::vector<Tensor> out;
  ASSERT_EQ(kernel.call({a}, out), "");
  EXPECT_EQ(values<float>(out[0]), (std::vector<float>{1, 6, 7, 8}));
  EXPECT_EQ(values<float>(a), (std::vector<float>{5, 6, 7, 8}));
}

TEST(Kernel, DonatedInputsAreOverwrittenOnlyWhereUnshared) {
  std::string module = inPlace;
  module.replace(module.find("DONATED"), 7, "{octo.donated}");
  Kernel kernel(module, {tensor(f32, {4})}, {tensor(f32, {4})}, 0,
                /*donated=*/1);
  std::vector<Tensor> inputs = {make<float>(f32, {4}, {5, 6, 7, 8})};
  std::vector<Tensor> out;
  {
    Tensor shared = inputs[0];
    ASSERT_EQ(kernel.call(inputs, out), "");
    EXPECT_EQ(values<float>(shared), (std::vector<float>{5, 6, 7, 8}));
  }
  EXPECT_EQ(values<float>(out[0]), (std::vector<float>{1, 6, 7, 8}));
  ASSERT_EQ(kernel.call(inputs, out), "");
  EXPECT_EQ(values<float>(out[0]), (std::vector<float>{1, 6, 7, 8}));
  // Nobody else holds it: the kernel used the buffer.
  EXPECT_EQ(values<float>(inputs[0])[0], 1);
}

TEST(Kernel, DonatedInputsAreGivenBack) {
  // Updates of two tensors in place, one of them in a loop of dynamic size; the
  // second input is only read, so it is not given up.
  Kernel kernel(
      R"mlir(
    func.func @k(%a: tensor<?x4xf32> {octo.donated}, %r: tensor<4xf32> {octo.donated},
                 %b: tensor<8xi64> {octo.donated}, %n: index)
        -> (tensor<8xi64>, index, tensor<?x4xf32>) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %seven = arith.constant 7 : i64
      %rows = tensor.dim %a, %c0 : tensor<?x4xf32>
      %u = scf.for %i = %c0 to %n step %c1 iter_args(%t = %a) -> tensor<?x4xf32> {
        %x = tensor.insert_slice %r into %t[%i, 0] [1, 4] [1, 1]
               : tensor<4xf32> into tensor<?x4xf32>
        scf.yield %x : tensor<?x4xf32>
      }
      %v = tensor.insert %seven into %b[%n] : tensor<8xi64>
      return %v, %rows, %u : tensor<8xi64>, index, tensor<?x4xf32>
    })mlir",
      {tensor(f32, {-1, 4}), tensor(f32, {4}), tensor(ElementKind::I64, {8}),
       scalar(index)},
      {tensor(ElementKind::I64, {8}), scalar(index), tensor(f32, {-1, 4})}, 0,
      /*donated=*/5);
  EXPECT_EQ(kernel.image.overwritten, 5u);
  for (bool shared : {false, true}) {
    SCOPED_TRACE(shared);
    std::vector<Tensor> inputs = {
        make<float>(f32, {3, 4}, std::vector<float>(12, 1.0f)),
        make<float>(f32, {4}, {2, 3, 4, 5}),
        make<int64_t>(ElementKind::I64, {8}, {0, 1, 2, 3, 4, 5, 6, 8}),
        Tensor::scalar<int64_t>(index, 2)};
    std::vector<Tensor> held;
    if (shared)
      held = inputs;
    const void *a = inputs[0].data(), *b = inputs[2].data();
    std::vector<Tensor> out;
    ASSERT_EQ(kernel.call(inputs, out), "");
    EXPECT_EQ(out[2].data() == a, !shared);
    EXPECT_EQ(out[0].data() == b, !shared);
    EXPECT_EQ(values<int64_t>(out[0]),
              (std::vector<int64_t>{0, 1, 7, 3, 4, 5, 6, 8}));
    EXPECT_EQ(*out[1].as<int64_t>(), 3);
    EXPECT_EQ(out[2].dim(0), 3);
    EXPECT_EQ(values<float>(out[2]),
              (std::vector<float>{2, 3, 4, 5, 2, 3, 4, 5, 1, 1, 1, 1}));
    EXPECT_EQ(values<float>(inputs[1]), (std::vector<float>{2, 3, 4, 5}));
    if (shared) {
      EXPECT_EQ(values<float>(held[0]), std::vector<float>(12, 1.0f));
      EXPECT_EQ(values<int64_t>(held[2])[2], 2);
    }
    // The results outlive the inputs.
    inputs.clear();
    EXPECT_EQ(*out[2].as<float>(), 2);
    EXPECT_TRUE(out[0].isUnique());
  }
}

TEST(Kernel, OneDonatedInputIsOneResult) {
  Kernel kernel(R"mlir(
    func.func @k(%a: tensor<4xf32> {octo.donated}, %b: tensor<4xf32> {octo.donated})
        -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
      %c0 = arith.constant 0 : index
      %one = arith.constant 1.0 : f32
      %0 = tensor.insert %one into %a[%c0] : tensor<4xf32>
      return %0, %0, %b : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
    })mlir",
                {tensor(f32, {4}), tensor(f32, {4})},
                {tensor(f32, {4}), tensor(f32, {4}), tensor(f32, {4})}, 0,
                /*donated=*/3);
  EXPECT_EQ(kernel.image.overwritten, 3u);
  Tensor same = make<float>(f32, {4}, {5, 6, 7, 8});
  std::vector<std::vector<Tensor>> cases = {
      {make<float>(f32, {4}, {5, 6, 7, 8}),
       make<float>(f32, {4}, {5, 6, 7, 8})},
      // One tensor for both: each gets a copy.
      {same, same}};
  same.reset();
  for (std::vector<Tensor> &inputs : cases) {
    std::vector<Tensor> out;
    ASSERT_EQ(kernel.call(inputs, out), "");
    EXPECT_EQ(values<float>(out[0]), (std::vector<float>{1, 6, 7, 8}));
    EXPECT_EQ(values<float>(out[1]), (std::vector<float>{1, 6, 7, 8}));
    EXPECT_EQ(values<float>(out[2]), (std::vector<float>{5, 6, 7, 8}));
    EXPECT_NE(out[0].data(), out[1].data());
    EXPECT_NE(out[0].data(), out[2].data());
    EXPECT_NE(out[1].data(), out[2].data());
  }
}

TEST(Kernel, WeightsAreNotInTheImage) {
  auto bytes = [](int64_t n) {
    std::string w = "tensor<16x" + std::to_string(n) + "xf32>",
                r = "tensor<1x" + std::to_string(n) + "xf32>";
    return compile(
               "func.func @k(%x: tensor<1x16xf32>, %w: " + w + ") -> " + r +
               " {\n%z = arith.constant 0.0 : f32\n%e = tensor.empty() : " + r +
               "\n%f = linalg.fill ins(%z : f32) outs(%e : " + r + ") -> " + r +
               "\n%m = linalg.matmul ins(%x, %w : tensor<1x16xf32>, " + w +
               ") outs(%f : " + r + ") -> " + r + "\nreturn %m : " + r + " }")
        .object.size();
  };
  size_t small = bytes(1 << 10), large = bytes(1 << 22);
  EXPECT_GT(small, 0u);
  EXPECT_GT(large, 0u);
  EXPECT_LT(large, small + 4096);
  EXPECT_LT(small, size_t(16 << 10));
}

TEST(Kernel, CountersOfDataDependentLoops) {
  Kernel kernel(R"mlir(
    func.func @k(%n: i32, %m: index) -> (i32, index) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %zero = arith.constant 0 : i32
      %two = arith.constant 2 : i32
      %r:2 = scf.while (%v = %n, %s = %c0) : (i32, index) -> (i32, index) {
        %go = arith.cmpi sgt, %v, %zero : i32
        scf.condition(%go) %v, %s : i32, index
      } do {
      ^bb0(%v: i32, %s: index):
        %t = scf.for %i = %c0 to %m step %c2 iter_args(%x = %s) -> index {
          %y = arith.addi %x, %c1 : index
          scf.yield %y : index
        } {octo.counter = 1}
        %h = arith.divsi %v, %two : i32
        scf.yield %h, %t : i32, index
      } attributes {octo.counter = 0}
      return %r#0, %r#1 : i32, index
    })mlir",
                {scalar(i32), scalar(index)}, {scalar(i32), scalar(index)}, 2);
  std::vector<Tensor> out;
  ASSERT_EQ(kernel.call({Tensor::scalar<int32_t>(i32, 20),
                         Tensor::scalar<int64_t>(index, 5)},
                        out),
            "");
  // 20, 10, 5, 2, 1: five iterations of three each.
  EXPECT_EQ(kernel.counters, (std::vector<int64_t>{5, 15}));
  EXPECT_EQ(*out[1].as<int64_t>(), 15);
  ASSERT_EQ(kernel.call({Tensor::scalar<int32_t>(i32, 1),
                         Tensor::scalar<int64_t>(index, -7)},
                        out),
            "");
  EXPECT_EQ(kernel.counters, (std::vector<int64_t>{1, 0}));
}

TEST(Kernel, EndlessLoopsEnd) {
  KernelLimits limits;
  limits.fuel = 1000;
  Kernel kernel(R"mlir(
    func.func @k(%n: i32) -> i32 {
      %true = arith.constant true
      %r = scf.while (%v = %n) : (i32) -> i32 {
        scf.condition(%true) %v : i32
      } do {
      ^bb0(%v: i32):
        scf.yield %v : i32
      }
      return %r : i32
    })mlir",
                {scalar(i32)}, {scalar(i32)}, 0, 0, limits);
  std::vector<Tensor> out;
  EXPECT_EQ(kernel.call({Tensor::scalar<int32_t>(i32, 1)}, out),
            "a loop of the task did not end within the iterations allowed");
}

TEST(Kernel, DivisionsAreChecked) {
  Kernel kernel(R"mlir(
    func.func private @quotient(%x: i32, %y: i32) -> i32 {
      %q = arith.divsi %x, %y : i32
      return %q : i32
    }
    func.func @k(%a: tensor<3xi32>, %b: tensor<3xi32>) -> (tensor<3xi32>, i32) {
      %c0 = arith.constant 0 : index
      %q = arith.remsi %a, %b : tensor<3xi32>
      %x = tensor.extract %a[%c0] : tensor<3xi32>
      %y = tensor.extract %b[%c0] : tensor<3xi32>
      %z = func.call @quotient(%x, %y) : (i32, i32) -> i32
      return %q, %z : tensor<3xi32>, i32
    })mlir",
                {tensor(i32, {3}), tensor(i32, {3})},
                {tensor(i32, {3}), scalar(i32)});
  constexpr int32_t lowest = INT32_MIN;
  auto call = [&](std::vector<int32_t> a, std::vector<int32_t> b) {
    std::vector<Tensor> out;
    return kernel.call({make<int32_t>(i32, {3}, a), make<int32_t>(i32, {3}, b)},
                       out);
  };
  EXPECT_EQ(call({7, 8, 9}, {2, 3, -1}), "");
  EXPECT_EQ(call({7, 8, 9}, {2, 0, 4}), "integer division by zero");
  EXPECT_EQ(call({7, 8, 9}, {0, 1, 4}), "integer division by zero");
  EXPECT_EQ(call({7, 8, lowest}, {2, 3, -1}), "integer division overflows");
  EXPECT_EQ(call({lowest, 8, 9}, {-1, 3, 1}), "integer division overflows");
  // A trap leaves the executor as it was.
  EXPECT_EQ(call({7, 8, 9}, {2, 3, -1}), "");
}

TEST(Kernel, IndicesSlicesAndAssertsAreChecked) {
  Kernel kernel(R"mlir(
    func.func @k(%a: tensor<?xf32>, %i: index, %n: index)
        -> (f32, tensor<?xf32>) {
      %c2 = arith.constant 2 : index
      %odd = arith.cmpi ne, %n, %c2 : index
      cf.assert %odd, "two is not a size"
      %x = tensor.extract %a[%i] : tensor<?xf32>
      %s = tensor.extract_slice %a[%i] [%n] [1] : tensor<?xf32> to tensor<?xf32>
      %y = math.absf %s : tensor<?xf32>
      return %x, %y : f32, tensor<?xf32>
    })mlir",
                {tensor(f32, {-1}), scalar(index), scalar(index)},
                {scalar(f32), tensor(f32, {-1})});
  auto call = [&](int64_t i, int64_t n) {
    std::vector<Tensor> out;
    return kernel.call({make<float>(f32, {4}, {1, -2, 3, -4}),
                        Tensor::scalar<int64_t>(index, i),
                        Tensor::scalar<int64_t>(index, n)},
                       out);
  };
  EXPECT_EQ(call(1, 3), "");
  EXPECT_EQ(call(3, 0), "");
  EXPECT_NE(call(4, 0), "");
  EXPECT_NE(call(-1, 0), "");
  EXPECT_NE(call(2, 3), "");
  EXPECT_EQ(call(0, -1), "the size of extract_slice is negative");
  EXPECT_EQ(call(0, 2), "two is not a size");
  EXPECT_EQ(call(0, 4), "");
}

TEST(Kernel, ShapesThatDoNotMatchAreChecked) {
  Kernel kernel(R"mlir(
    func.func @k(%a: tensor<?xf32>, %b: tensor<?xf32>, %n: index)
        -> (tensor<?xf32>, tensor<?xf32>) {
      %d = tensor.insert_slice %a into %b[0] [%n] [1]
             : tensor<?xf32> into tensor<?xf32>
      %e = linalg.add ins(%a, %b : tensor<?xf32>, tensor<?xf32>)
             outs(%b : tensor<?xf32>) -> tensor<?xf32>
      return %d, %e : tensor<?xf32>, tensor<?xf32>
    })mlir",
                {tensor(f32, {-1}), tensor(f32, {-1}), scalar(index)},
                {tensor(f32, {-1}), tensor(f32, {-1})});
  auto call = [&](int64_t a, int64_t b, int64_t n) {
    std::vector<Tensor> out;
    return kernel.call({make<float>(f32, {a}, std::vector<float>(a)),
                        make<float>(f32, {b}, std::vector<float>(b)),
                        Tensor::scalar<int64_t>(index, n)},
                       out);
  };
  EXPECT_EQ(call(3, 3, 3), "");
  EXPECT_EQ(call(3, 3, 2),
            "the source of insert_slice has another size than the slice");
  EXPECT_NE(call(3, 4, 3), "");
  EXPECT_NE(call(4, 3, 4), "");
}

TEST(Kernel, MemoryIsLimited) {
  KernelLimits limits;
  limits.bytes = 1 << 20;
  Kernel kernel(R"mlir(
    func.func @k(%n: index, %m: index) -> tensor<?x?xf32> {
      %zero = arith.constant 0.0 : f32
      %e = tensor.empty(%n, %m) : tensor<?x?xf32>
      %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?xf32>)
             -> tensor<?x?xf32>
      return %f : tensor<?x?xf32>
    })mlir",
                {scalar(index), scalar(index)}, {tensor(f32, {-1, -1})}, 0, 0,
                limits);
  auto call = [&](int64_t n, int64_t m) {
    std::vector<Tensor> out;
    return kernel.call(
        {Tensor::scalar<int64_t>(index, n), Tensor::scalar<int64_t>(index, m)},
        out);
  };
  EXPECT_EQ(call(512, 512), "");
  EXPECT_EQ(call(512, 513), "the task needs more memory than it may have");
  EXPECT_NE(call(-1, 4), "");
  // The product would overflow.
  EXPECT_EQ(call(int64_t(1) << 33, int64_t(1) << 33),
            "the size of a tensor is negative or too large");
  EXPECT_EQ(call(INT64_MAX, INT64_MAX),
            "the size of a tensor is negative or too large");
  EXPECT_EQ(call(0, 4), "");
}

TEST(Kernel, GrowingLoopCarriedTensor) {
  Kernel kernel(R"mlir(
    func.func @k(%n: index) -> tensor<?x4xf32> {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %row = arith.constant dense<2.5> : tensor<1x4xf32>
      %none = tensor.empty() : tensor<0x4xf32>
      %start = tensor.cast %none : tensor<0x4xf32> to tensor<?x4xf32>
      %r = scf.for %i = %c0 to %n step %c1 iter_args(%t = %start)
          -> tensor<?x4xf32> {
        %next = tensor.concat dim(0) %t, %row
          : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
        scf.yield %next : tensor<?x4xf32>
      }
      return %r : tensor<?x4xf32>
    })mlir",
                {scalar(index)}, {tensor(f32, {-1, 4})});
  for (int64_t n : {0, 1, 3}) {
    std::vector<Tensor> out;
    ASSERT_EQ(kernel.call({Tensor::scalar<int64_t>(index, n)}, out), "");
    EXPECT_EQ(out[0].dim(0), n);
    EXPECT_EQ(values<float>(out[0]), std::vector<float>(4 * n, 2.5f));
  }
}

TEST(Kernel, SoftmaxPadAndConvolution) {
  Kernel kernel(R"mlir(
    func.func @k(%x: tensor<1x4x4x1xf32>, %w: tensor<3x3x1x2xf32>)
        -> (tensor<1x4x4x2xf32>, tensor<2x2xf32>) {
      %zero = arith.constant 0.0 : f32
      %p = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
      ^bb0(%a: index, %b: index, %c: index, %d: index):
        tensor.yield %zero : f32
      } : tensor<1x4x4x1xf32> to tensor<1x6x6x1xf32>
      %e = tensor.empty() : tensor<1x4x4x2xf32>
      %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x4x4x2xf32>)
             -> tensor<1x4x4x2xf32>
      %y = linalg.conv_2d_nhwc_hwcf ins(%p, %w : tensor<1x6x6x1xf32>,
             tensor<3x3x1x2xf32>) outs(%f : tensor<1x4x4x2xf32>)
             -> tensor<1x4x4x2xf32>
      %s = tensor.extract_slice %y[0, 0, 0, 0] [1, 2, 1, 2] [1, 1, 1, 1]
             : tensor<1x4x4x2xf32> to tensor<2x2xf32>
      %se = tensor.empty() : tensor<2x2xf32>
      %soft = linalg.softmax dimension(1) ins(%s : tensor<2x2xf32>)
                outs(%se : tensor<2x2xf32>) -> tensor<2x2xf32>
      return %y, %soft : tensor<1x4x4x2xf32>, tensor<2x2xf32>
    })mlir",
                {tensor(f32, {1, 4, 4, 1}), tensor(f32, {3, 3, 1, 2})},
                {tensor(f32, {1, 4, 4, 2}), tensor(f32, {2, 2})});
  std::vector<float> x(16), w(18);
  for (int i = 0; i < 16; ++i)
    x[i] = 0.25f * float(i % 5) - 0.5f;
  for (int i = 0; i < 18; ++i)
    w[i] = 0.125f * float(i % 7) - 0.25f;
  std::vector<Tensor> out;
  ASSERT_EQ(kernel.call({make<float>(f32, {1, 4, 4, 1}, x),
                         make<float>(f32, {3, 3, 1, 2}, w)},
                        out),
            "");
  std::vector<float> y = values<float>(out[0]);
  for (int r = 0; r < 4; ++r)
    for (int c = 0; c < 4; ++c)
      for (int f = 0; f < 2; ++f) {
        double sum = 0;
        for (int i = 0; i < 3; ++i)
          for (int j = 0; j < 3; ++j)
            if (r + i - 1 >= 0 && r + i - 1 < 4 && c + j - 1 >= 0 &&
                c + j - 1 < 4)
              sum += double(x[(r + i - 1) * 4 + c + j - 1]) *
                     w[(i * 3 + j) * 2 + f];
        EXPECT_NEAR(y[(r * 4 + c) * 2 + f], sum, 1e-6);
      }
  std::vector<float> soft = values<float>(out[1]);
  for (int r = 0; r < 2; ++r) {
    double a = y[r * 8], b = y[r * 8 + 1];
    EXPECT_NEAR(soft[r * 2], 1 / (1 + std::exp(b - a)), 1e-6);
    EXPECT_NEAR(soft[r * 2 + 1], 1 / (1 + std::exp(a - b)), 1e-6);
  }
}

TEST(Kernel, SpecialFunctionsMatchLibm) {
  std::string body;
  std::vector<std::pair<const char *, double (*)(double)>> functions = {
      {"exp", std::exp},   {"expm1", std::expm1}, {"log1p", std::log1p},
      {"log", std::log},   {"sqrt", std::sqrt},   {"tanh", std::tanh},
      {"erf", std::erf},   {"sin", std::sin},     {"cos", std::cos},
      {"atan", std::atan}, {"log2", std::log2},   {"exp2", std::exp2},
      {"cbrt", std::cbrt}, {"sinh", std::sinh}};
  for (auto [name, function] : functions) {
    SCOPED_TRACE(name);
    Kernel kernel("func.func @k(%a: tensor<?xf32>) -> tensor<?xf32> {\n%0 = "
                  "math." +
                      std::string(name) +
                      " %a : tensor<?xf32>\nreturn %0 : tensor<?xf32> }",
                  {tensor(f32, {-1})}, {tensor(f32, {-1})});
    std::vector<float> input;
    for (int i = 1; i < 64; ++i)
      input.push_back(float(i * i) * 0.0009f);
    std::vector<Tensor> out;
    ASSERT_EQ(
        kernel.call({make<float>(f32, {int64_t(input.size())}, input)}, out),
        "");
    for (size_t i = 0; i < input.size(); ++i) {
      double expected = function(input[i]);
      EXPECT_NEAR(out[0].as<float>()[i], expected,
                  1e-6 * std::max(1.0, std::abs(expected)));
    }
  }
}

TEST(Kernel, SameBytesWhateverTheThreads) {
  std::vector<KernelSource> sources;
  for (int i = 0; i < 6; ++i)
    sources.push_back(
        {"k" + std::to_string(i),
         "func.func @k(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
         "%c = arith.constant dense<" +
             std::to_string(i % 3) +
             ".5> : tensor<4xf32>\n%0 = arith.addf %a, %c : tensor<4xf32>\n"
             "return %0 : tensor<4xf32> }"});
  std::vector<KernelImage> one = compileKernels(sources, portable(), 1);
  std::vector<KernelImage> two = compileKernels(sources, portable(), 3);
  for (size_t i = 0; i < sources.size(); ++i) {
    EXPECT_TRUE(one[i].errors.empty());
    EXPECT_FALSE(one[i].object.empty());
    EXPECT_EQ(one[i].object, two[i].object);
    EXPECT_EQ(one[i].digest, two[i].digest);
    EXPECT_EQ(one[i].digest, one[i % 3].digest);
  }
  EXPECT_NE(one[0].digest, one[1].digest);
}

TEST(Kernel, ErrorsOfTheCompiler) {
  auto errors = [](const std::string &module) {
    KernelImage image = compile(module);
    EXPECT_TRUE(image.object.empty());
    std::string all;
    for (const std::string &error : image.errors)
      all += error + "\n";
    return all;
  };
  EXPECT_NE(errors("func.func @k(").find("expected"), std::string::npos);
  EXPECT_NE(errors("func.func private @f(f32) -> f32\n"
                   "func.func @k(%a: f32) -> f32 { %0 = func.call @f(%a) : "
                   "(f32) -> f32 return %0 : f32 }")
                .find("has no body"),
            std::string::npos);
  EXPECT_NE(errors("func.func @k(%a: tensor<4xcomplex<f32>>) { return }")
                .find("which a kernel cannot take"),
            std::string::npos);
  EXPECT_NE(errors("func.func @k(%a: tensor<*xf32>) { return }")
                .find("which a kernel cannot take"),
            std::string::npos);
  std::string error;
  EXPECT_TRUE(mlir::failed(resolveKernelTarget("no-such-cpu", 2, error)));
  EXPECT_NE(error.find("'no-such-cpu'"), std::string::npos);
  EXPECT_NE(error.find("portable"), std::string::npos);
  EXPECT_TRUE(mlir::succeeded(resolveKernelTarget("host", 2, error)));
  EXPECT_TRUE(mlir::succeeded(resolveKernelTarget("generic", 2, error)));
}

TEST(Loader, RefusesWhatItCannotRun) {
  KernelImage image =
      compile("func.func @k(%a: f32) -> f32 { return %a : f32 }");
  KernelCode code;
  code.name = "pass";
  code.object = reinterpret_cast<const uint8_t *>(image.object.data());
  code.objectBytes = image.object.size();
  code.symbol = OCTO_KERNEL_SYMBOL;
  code.inputs = {scalar(f32)};
  code.outputs = {scalar(f32)};
  auto message = [](const KernelCode &code, const std::string &cpu) {
    auto loaded = load(code, cpu);
    return loaded ? std::string("loaded") : loaded.error().message;
  };
  EXPECT_EQ(message(code, portable().cpu), "loaded");
  EXPECT_NE(message(code, "riscv-unknown").find("no CPU of this host"),
            std::string::npos);
  KernelCode other = code;
  other.symbol = "octo_kernel_v0";
  EXPECT_NE(message(other, "").find("octo_kernel_v0"), std::string::npos);
  std::string garbage(256, 'x');
  other = code;
  other.object = reinterpret_cast<const uint8_t *>(garbage.data());
  other.objectBytes = garbage.size();
  EXPECT_NE(message(other, "").find("'pass'"), std::string::npos);
  other = code;
  other.objectBytes /= 2;
  EXPECT_NE(message(other, "").find("'pass'"), std::string::npos);

  // A signature that is not that of the code.
  other = code;
  other.inputs.push_back(scalar(f32));
  auto loaded = load(other, "");
  ASSERT_TRUE(loaded) << loaded.error().str();
  std::vector<Tensor> inputs = {Tensor::scalar(f32, 1.0f),
                                Tensor::scalar(f32, 2.0f)},
                      outputs(1);
  auto done = (*loaded)->call(0, inputs, outputs, {});
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("does not fit its signature"),
            std::string::npos);
  // Inputs that are not those of the signature.
  inputs[1] = Tensor::scalar<int32_t>(i32, 2);
  done = (*loaded)->call(0, inputs, outputs, {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message,
            "input 1 of kernel 'pass' is i32, expected f32");
}

} // namespace
