//===- KernelOpsTest.cpp - What bodies of tasks are made of ---------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operations and control flow that bodies use, each against a result that is
// known in closed form.
//
//===----------------------------------------------------------------------===//

#include "KernelFixture.h"

using namespace octo;
using namespace octo::test;

namespace {

// Hides the function of <strings.h>.
constexpr ElementKind index = ElementKind::Index;

Tensor indexScalar(int64_t value) {
  return Tensor::scalar<int64_t>(index, value);
}
Tensor intScalar(int32_t value) { return Tensor::scalar<int32_t>(i32, value); }

TEST(KernelOps, WhileLoopWithGrowingTensor) {
  Kernel kernel(R"mlir(
    func.func @k(%n: index) -> (tensor<?xf32>, index) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %none = tensor.empty() : tensor<0xf32>
      %start = tensor.cast %none : tensor<0xf32> to tensor<?xf32>
      %r:2 = scf.while (%t = %start, %i = %c0)
          : (tensor<?xf32>, index) -> (tensor<?xf32>, index) {
        %more = arith.cmpi slt, %i, %n : index
        scf.condition(%more) %t, %i : tensor<?xf32>, index
      } do {
      ^bb0(%t: tensor<?xf32>, %i: index):
        %d = tensor.dim %t, %c0 : tensor<?xf32>
        %d1 = arith.addi %d, %c1 : index
        %e = tensor.empty(%d1) : tensor<?xf32>
        %a = tensor.insert_slice %t into %e[0] [%d] [1]
               : tensor<?xf32> into tensor<?xf32>
        %ii = arith.index_cast %i : index to i32
        %f = arith.sitofp %ii : i32 to f32
        %b = tensor.insert %f into %a[%d] : tensor<?xf32>
        %j = arith.addi %i, %c1 : index
        scf.yield %b, %j : tensor<?xf32>, index
      }
      return %r#0, %r#1 : tensor<?xf32>, index
    })mlir",
                {scalar(index)}, {tensor(f32, {-1}), scalar(index)});
  for (int64_t n : {0, 1, 7}) {
    std::vector<Tensor> out;
    ASSERT_EQ(kernel.call({indexScalar(n)}, out), "");
    std::vector<float> expected;
    for (int64_t i = 0; i < n; ++i)
      expected.push_back(float(i));
    EXPECT_EQ(values<float>(out[0]), expected);
    EXPECT_EQ(*out[1].as<int64_t>(), n);
  }
}

TEST(KernelOps, ForallGenerateAndLinalgIndex) {
  Kernel kernel(R"mlir(
    #id = affine_map<(i) -> (i)>
    func.func @k(%n: index) -> (tensor<?xindex>, tensor<?xindex>) {
      %c1 = arith.constant 1 : index
      %g = tensor.generate %n {
      ^bb0(%i: index):
        %s = arith.muli %i, %i : index
        tensor.yield %s : index
      } : tensor<?xindex>
      %e = tensor.empty(%n) : tensor<?xindex>
      %h = linalg.generic {indexing_maps = [#id, #id],
                           iterator_types = ["parallel"]}
          ins(%g : tensor<?xindex>) outs(%e : tensor<?xindex>) {
      ^bb0(%a: index, %o: index):
        %i = linalg.index 0 : index
        %s = arith.addi %a, %i : index
        linalg.yield %s : index
      } -> tensor<?xindex>
      %p = scf.forall (%i) in (%n) shared_outs(%o = %e) -> (tensor<?xindex>) {
        %v = tensor.extract_slice %h[%i] [1] [1]
               : tensor<?xindex> to tensor<1xindex>
        %d = arith.addi %v, %v : tensor<1xindex>
        scf.forall.in_parallel {
          tensor.parallel_insert_slice %d into %o[%i] [1] [1]
            : tensor<1xindex> into tensor<?xindex>
        }
      }
      return %h, %p : tensor<?xindex>, tensor<?xindex>
    })mlir",
                {scalar(index)}, {tensor(index, {-1}), tensor(index, {-1})});
  std::vector<Tensor> out;
  ASSERT_EQ(kernel.call({indexScalar(4)}, out), "");
  EXPECT_EQ(values<int64_t>(out[0]), (std::vector<int64_t>{0, 2, 6, 12}));
  EXPECT_EQ(values<int64_t>(out[1]), (std::vector<int64_t>{0, 4, 12, 24}));
}

TEST(KernelOps, IntegerArithmetic) {
  Kernel kernel(R"mlir(
    func.func @k(%a: i32, %b: i32) -> (i32, i32, i32, i32, i32, i32) {
      %0 = arith.ceildivsi %a, %b : i32
      %1 = arith.floordivsi %a, %b : i32
      %2 = math.ipowi %a, %b : i32
      %3 = math.ctlz %a : i32
      %4 = math.ctpop %a : i32
      %5 = math.absi %a : i32
      return %0, %1, %2, %3, %4, %5 : i32, i32, i32, i32, i32, i32
    })mlir",
                {scalar(i32), scalar(i32)},
                {scalar(i32), scalar(i32), scalar(i32), scalar(i32),
                 scalar(i32), scalar(i32)});
  auto call = [&](int32_t a, int32_t b) {
    std::vector<Tensor> out;
    std::string message = kernel.call({intScalar(a), intScalar(b)}, out);
    EXPECT_EQ(message, "");
    std::vector<int32_t> all;
    for (const Tensor &tensor : out)
      all.push_back(*tensor.as<int32_t>());
    return all;
  };
  EXPECT_EQ(call(7, 2), (std::vector<int32_t>{4, 3, 49, 29, 3, 7}));
  EXPECT_EQ(call(-7, 2), (std::vector<int32_t>{-3, -4, 49, 0, 30, 7}));
  EXPECT_EQ(call(-7, 3), (std::vector<int32_t>{-2, -3, -343, 0, 30, 7}));
  std::vector<Tensor> out;
  EXPECT_EQ(kernel.call({intScalar(0), intScalar(-1)}, out),
            "zero to a negative power");
  EXPECT_EQ(kernel.call({intScalar(0), intScalar(0)}, out),
            "integer division by zero");
}

TEST(KernelOps, PowersAndRounding) {
  Kernel kernel(
      R"mlir(
    func.func @k(%a: f64, %b: f64, %n: i32)
        -> (f64, f64, f64, f64, f64, f64, f64) {
      %0 = math.powf %a, %b : f64
      %1 = math.fpowi %a, %n : f64, i32
      %2 = math.rsqrt %a : f64
      %3 = math.floor %a : f64
      %4 = math.roundeven %a : f64
      %5 = math.atan2 %a, %b : f64
      %6 = arith.remf %a, %b : f64
      return %0, %1, %2, %3, %4, %5, %6 : f64, f64, f64, f64, f64, f64, f64
    })mlir",
      {scalar(ElementKind::F64), scalar(ElementKind::F64), scalar(i32)},
      std::vector<Type>(7, scalar(ElementKind::F64)));
  std::vector<Tensor> out;
  ASSERT_EQ(kernel.call({Tensor::scalar(ElementKind::F64, 2.5),
                         Tensor::scalar(ElementKind::F64, 1.75), intScalar(3)},
                        out),
            "");
  double expected[] = {std::pow(2.5, 1.75),   15.625, 1 / std::sqrt(2.5), 2, 2,
                       std::atan2(2.5, 1.75), 0.75};
  for (int i = 0; i < 7; ++i)
    EXPECT_DOUBLE_EQ(*out[i].as<double>(), expected[i]) << i;
}

TEST(KernelOps, SwitchOnTensors) {
  Kernel kernel(R"mlir(
    func.func @k(%i: index, %a: tensor<2xf32>) -> tensor<2xf32> {
      %r = scf.index_switch %i -> tensor<2xf32>
      case 1 {
        %0 = arith.addf %a, %a : tensor<2xf32>
        scf.yield %0 : tensor<2xf32>
      }
      case 5 {
        %0 = arith.negf %a : tensor<2xf32>
        scf.yield %0 : tensor<2xf32>
      }
      default {
        scf.yield %a : tensor<2xf32>
      }
      return %r : tensor<2xf32>
    })mlir",
                {scalar(index), tensor(f32, {2})}, {tensor(f32, {2})});
  Tensor a = make<float>(f32, {2}, {1, 2});
  auto call = [&](int64_t i) {
    std::vector<Tensor> out;
    EXPECT_EQ(kernel.call({indexScalar(i), a}, out), "");
    EXPECT_NE(out[0].data(), a.data());
    return values<float>(out[0]);
  };
  EXPECT_EQ(call(0), (std::vector<float>{1, 2}));
  EXPECT_EQ(call(1), (std::vector<float>{2, 4}));
  EXPECT_EQ(call(5), (std::vector<float>{-1, -2}));
}

TEST(KernelOps, CalleesLeaveTheInputsOfTheKernelAlone) {
  Kernel kernel(R"mlir(
    func.func private @set(%t: tensor<3xf32>, %i: index) -> tensor<3xf32> {
      %zero = arith.constant 0.0 : f32
      %0 = tensor.insert %zero into %t[%i] : tensor<3xf32>
      return %0 : tensor<3xf32>
    }
    func.func private @same(%t: tensor<3xf32>) -> tensor<3xf32> {
      return %t : tensor<3xf32>
    }
    func.func @k(%a: tensor<3xf32>)
        -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %0 = func.call @set(%a, %c0) : (tensor<3xf32>, index) -> tensor<3xf32>
      %1 = func.call @set(%0, %c2) : (tensor<3xf32>, index) -> tensor<3xf32>
      %2 = func.call @same(%a) : (tensor<3xf32>) -> tensor<3xf32>
      return %0, %1, %2 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
    })mlir",
                {tensor(f32, {3})},
                {tensor(f32, {3}), tensor(f32, {3}), tensor(f32, {3})});
  Tensor a = make<float>(f32, {3}, {1, 2, 3});
  std::vector<Tensor> out;
  ASSERT_EQ(kernel.call({a}, out), "");
  EXPECT_EQ(values<float>(out[0]), (std::vector<float>{0, 2, 3}));
  EXPECT_EQ(values<float>(out[1]), (std::vector<float>{0, 2, 0}));
  EXPECT_EQ(values<float>(out[2]), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(values<float>(a), (std::vector<float>{1, 2, 3}));
}

TEST(KernelOps, BooleansReshapesAndRankZero) {
  Kernel kernel(R"mlir(
    func.func @k(%a: tensor<?x3xf32>, %m: tensor<?x3xi1>, %s: tensor<2xindex>)
        -> (tensor<?x?xf32>, tensor<i1>, tensor<f32>, tensor<?x3xi1>) {
      %zero = arith.constant dense<0.0> : tensor<f32>
      %false = arith.constant dense<false> : tensor<i1>
      %r = tensor.reshape %a(%s)
             : (tensor<?x3xf32>, tensor<2xindex>) -> tensor<?x?xf32>
      %any = linalg.reduce { arith.ori } ins(%m : tensor<?x3xi1>)
               outs(%false : tensor<i1>) dimensions = [0, 1]
      %sum = linalg.generic {
          indexing_maps = [affine_map<(i, j) -> (i, j)>,
                           affine_map<(i, j) -> (i, j)>,
                           affine_map<(i, j) -> ()>],
          iterator_types = ["reduction", "reduction"]}
          ins(%a, %m : tensor<?x3xf32>, tensor<?x3xi1>)
          outs(%zero : tensor<f32>) {
      ^bb0(%x: f32, %b: i1, %o: f32):
        %y = arith.addf %o, %x : f32
        %z = arith.select %b, %y, %o : f32
        linalg.yield %z : f32
      } -> tensor<f32>
      %one = arith.constant true
      %c0 = arith.constant 0 : index
      %d = tensor.dim %m, %c0 : tensor<?x3xi1>
      %e = tensor.splat %one[%d] : tensor<?x3xi1>
      %not = arith.xori %m, %e : tensor<?x3xi1>
      return %r, %any, %sum, %not
        : tensor<?x?xf32>, tensor<i1>, tensor<f32>, tensor<?x3xi1>
    })mlir",
                {tensor(f32, {-1, 3}), tensor(ElementKind::I1, {-1, 3}),
                 tensor(index, {2})},
                {tensor(f32, {-1, -1}), tensor(ElementKind::I1, {}),
                 tensor(f32, {}), tensor(ElementKind::I1, {-1, 3})});
  auto call = [&](std::vector<uint8_t> mask, std::vector<int64_t> shape,
                  std::vector<Tensor> &out) {
    return kernel.call({make<float>(f32, {2, 3}, {1, 2, 3, 4, 5, 6}),
                        make<uint8_t>(ElementKind::I1, {2, 3}, mask),
                        make<int64_t>(index, {2}, shape)},
                       out);
  };
  std::vector<Tensor> out;
  ASSERT_EQ(call({1, 0, 0, 0, 1, 1}, {3, 2}, out), "");
  EXPECT_EQ(out[0].dim(0), 3);
  EXPECT_EQ(out[0].dim(1), 2);
  EXPECT_EQ(values<float>(out[0]), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(values<uint8_t>(out[1]), (std::vector<uint8_t>{1}));
  EXPECT_EQ(values<float>(out[2]), (std::vector<float>{12}));
  EXPECT_EQ(values<uint8_t>(out[3]), (std::vector<uint8_t>{0, 1, 1, 1, 0, 0}));
  ASSERT_EQ(call({0, 0, 0, 0, 0, 0}, {6, 1}, out), "");
  EXPECT_EQ(values<uint8_t>(out[1]), (std::vector<uint8_t>{0}));
  EXPECT_EQ(call({0, 0, 0, 0, 0, 0}, {4, 2}, out),
            "reshape changes the number of elements");
  EXPECT_EQ(call({0, 0, 0, 0, 0, 0}, {-3, -2}, out),
            "a size of reshape is negative");
}

// MLIR folds both to a constant, which has no dynamic shape.
TEST(KernelOps, EqualOperandsOfDynamicShape) {
  Kernel kernel(R"mlir(
    func.func @k(%t: tensor<?xi32>) -> (tensor<?xi32>, tensor<?xi32>) {
      %xor = arith.xori %t, %t : tensor<?xi32>
      %equal = arith.cmpi eq, %t, %t : tensor<?xi32>
      %one = arith.extui %equal : tensor<?xi1> to tensor<?xi32>
      return %xor, %one : tensor<?xi32>, tensor<?xi32>
    })mlir",
                {tensor(i32, {-1})}, {tensor(i32, {-1}), tensor(i32, {-1})});
  Tensor input = Tensor::allocate(i32, {3});
  for (int32_t i = 0; i < 3; ++i)
    input.as<int32_t>()[i] = i - 1;
  std::vector<Tensor> out;
  ASSERT_EQ(kernel.call({input}, out), "");
  EXPECT_EQ(values<int32_t>(out[0]), std::vector<int32_t>(3, 0));
  EXPECT_EQ(values<int32_t>(out[1]), std::vector<int32_t>(3, 1));
}

TEST(KernelOps, ConstantsAreCopiedAndCallsIndependent) {
  Kernel kernel(R"mlir(
    func.func @k(%i: index, %x: f32) -> (tensor<4xf32>, tensor<4xf32>) {
      %c = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
      %0 = tensor.insert %x into %c[%i] : tensor<4xf32>
      return %0, %c : tensor<4xf32>, tensor<4xf32>
    })mlir",
                {scalar(index), scalar(f32)},
                {tensor(f32, {4}), tensor(f32, {4})});
  for (int64_t i = 0; i < 4; ++i) {
    std::vector<Tensor> out;
    ASSERT_EQ(kernel.call({indexScalar(i), Tensor::scalar(f32, 9.0f)}, out),
              "");
    std::vector<float> expected = {1, 2, 3, 4};
    EXPECT_EQ(values<float>(out[1]), expected);
    expected[i] = 9;
    EXPECT_EQ(values<float>(out[0]), expected);
    out[0].as<float>()[0] = 100; // the buffer is ours
  }
}

TEST(KernelOps, LongLoopsReleaseWhatTheyAllocate) {
  KernelLimits limits;
  limits.bytes = 1 << 20;
  // 10,000 iterations of a kilobyte each would not fit.
  Kernel kernel(R"mlir(
    func.func @k(%n: index) -> tensor<256xf32> {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %one = arith.constant dense<1.0> : tensor<256xf32>
      %zero = arith.constant dense<0.0> : tensor<256xf32>
      %p = tensor.empty() : tensor<256xf32>
      %r = scf.for %i = %c0 to %n step %c1 iter_args(%t = %zero)
          -> tensor<256xf32> {
        %e = tensor.empty() : tensor<256xf32>
        %rev = linalg.generic {
            indexing_maps = [affine_map<(i) -> (255 - i)>,
                             affine_map<(i) -> (i)>],
            iterator_types = ["parallel"]}
            ins(%t : tensor<256xf32>) outs(%e : tensor<256xf32>) {
        ^bb0(%a: f32, %o: f32):
          linalg.yield %a : f32
        } -> tensor<256xf32>
        %u = arith.addf %rev, %one : tensor<256xf32>
        scf.yield %u : tensor<256xf32>
      }
      return %r : tensor<256xf32>
    })mlir",
                {scalar(index)}, {tensor(f32, {256})}, 0, 0, limits);
  std::vector<Tensor> out;
  ASSERT_EQ(kernel.call({indexScalar(10000)}, out), "");
  EXPECT_EQ(values<float>(out[0]), std::vector<float>(256, 10000.0f));
}

} // namespace
