//===- KernelRowsTest.cpp - Fused rows and special functions --------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Softmax, layer norm, chains of element-wise operations, gathers and special
// functions, at sizes that leave remainders, against loops in double precision.
//
//===----------------------------------------------------------------------===//

#include "KernelFixture.h"

#include <limits>

using namespace octo;
using namespace octo::test;

namespace {

std::vector<float> randomValues(int64_t count, float scale, uint32_t seed = 7) {
  std::vector<float> values;
  uint32_t state = seed;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    values.push_back((float(state >> 8) * 0x1p-23f - 1.0f) * scale);
  }
  return values;
}

constexpr std::pair<int64_t, int64_t> matrices[] = {
    {1, 1}, {7, 17}, {17, 7}, {33, 129}, {129, 33}, {300, 257}, {5, 0}, {0, 5}};

std::string shaped(const std::string &text, int64_t rows, int64_t columns) {
  auto size = [](int64_t n) { return n < 0 ? "?" : std::to_string(n); };
  std::string type = "tensor<" + size(rows) + "x" + size(columns) + "xf32>";
  std::string made;
  for (size_t i = 0; i < text.size();)
    if (text.compare(i, 2, "@@") == 0) {
      made += type;
      i += 2;
    } else if (text.compare(i, 2, "$r") == 0) {
      made += "tensor<" + size(rows) + "xf32>";
      i += 2;
    } else if (text.compare(i, 2, "$c") == 0) {
      made += "tensor<" + size(columns) + "xf32>";
      i += 2;
    } else {
      made += text[i++];
    }
  return made;
}

/// The dims of an argument, for tensor.empty.
std::string dimsOf(bool dynamic, const std::string &which) {
  return dynamic ? which : "";
}

std::string softmaxText(bool dynamic) {
  return R"mlir(func.func @k(%x: @@) -> @@ {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %m = tensor.dim %x, %c0 : @@
      %n = tensor.dim %x, %c1 : @@
      %e = tensor.empty()mlir" +
         dimsOf(dynamic, "%m, %n") + R"mlir() : @@
      %s = linalg.softmax dimension(1) ins(%x : @@) outs(%e : @@) -> @@
      return %s : @@ })mlir";
}

void checkSoftmax(Kernel &kernel, int64_t rows, int64_t columns) {
  SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(columns));
  std::vector<float> x = randomValues(rows * columns, 20);
  std::vector<Tensor> out;
  ASSERT_EQ(kernel.call({make<float>(f32, {rows, columns}, x)}, out), "");
  for (int64_t i = 0; i < rows; ++i) {
    // The difference is rounded as the body rounds it.
    float most = -INFINITY;
    for (int64_t j = 0; j < columns; ++j)
      most = std::max(most, x[size_t(i * columns + j)]);
    auto power = [&](int64_t j) {
      return std::exp(double(x[size_t(i * columns + j)] - most));
    };
    double sum = 0;
    for (int64_t j = 0; j < columns; ++j)
      sum += power(j);
    for (int64_t j = 0; j < columns; ++j) {
      double expected = power(j) / sum;
      ASSERT_NEAR(out[0].as<float>()[i * columns + j], expected,
                  1e-6 * expected);
    }
  }
}

TEST(KernelRows, Softmax) {
  Kernel dynamic(shaped(softmaxText(true), -1, -1), {tensor(f32, {-1, -1})},
                 {tensor(f32, {-1, -1})});
  for (auto [rows, columns] : matrices)
    checkSoftmax(dynamic, rows, columns);
  for (auto [rows, columns] : {std::pair(33, 129), std::pair(300, 257)}) {
    Kernel fixed(shaped(softmaxText(false), rows, columns),
                 {tensor(f32, {rows, columns})},
                 {tensor(f32, {rows, columns})});
    checkSoftmax(fixed, rows, columns);
  }
}

/// y = (x - mean) / sqrt(variance + epsilon) * gain + bias, as models write it.
const char *layerNorm = R"mlir(
    #all = affine_map<(i, j) -> (i, j)>
    #row = affine_map<(i, j) -> (i)>
    #column = affine_map<(i, j) -> (j)>
    #id = affine_map<(i) -> (i)>
    func.func @k(%x: @@, %gain: $c, %bias: $c, %count: f32, %none: $r) -> @@ {
      %sum = linalg.generic {indexing_maps = [#all, #row],
               iterator_types = ["parallel", "reduction"]}
             ins(%x : @@) outs(%none : $r) {
      ^bb0(%a: f32, %o: f32):
        %0 = arith.addf %o, %a : f32
        linalg.yield %0 : f32
      } -> $r
      %mean = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel"]}
              outs(%sum : $r) {
      ^bb0(%o: f32):
        %0 = arith.divf %o, %count : f32
        linalg.yield %0 : f32
      } -> $r
      %centred = linalg.generic {indexing_maps = [#all, #row, #all],
                   iterator_types = ["parallel", "parallel"]}
                 ins(%x, %mean : @@, $r) outs(%x : @@) {
      ^bb0(%a: f32, %m: f32, %o: f32):
        %0 = arith.subf %a, %m : f32
        linalg.yield %0 : f32
      } -> @@
      %squares = linalg.generic {indexing_maps = [#all, #row],
                   iterator_types = ["parallel", "reduction"]}
                 ins(%centred : @@) outs(%none : $r) {
      ^bb0(%a: f32, %o: f32):
        %0 = arith.mulf %a, %a : f32
        %1 = arith.addf %o, %0 : f32
        linalg.yield %1 : f32
      } -> $r
      %y = linalg.generic {indexing_maps = [#all, #row, #column, #column, #all],
             iterator_types = ["parallel", "parallel"]}
           ins(%centred, %squares, %gain, %bias : @@, $r, $c, $c)
           outs(%x : @@) {
      ^bb0(%a: f32, %s: f32, %g: f32, %b: f32, %o: f32):
        %epsilon = arith.constant 1.0e-5 : f32
        %v = arith.divf %s, %count : f32
        %w = arith.addf %v, %epsilon : f32
        %r = math.rsqrt %w : f32
        %0 = arith.mulf %a, %r : f32
        %1 = arith.mulf %0, %g : f32
        %2 = arith.addf %1, %b : f32
        linalg.yield %2 : f32
      } -> @@
      return %y : @@
    })mlir";

void checkLayerNorm(Kernel &kernel, int64_t rows, int64_t columns) {
  SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(columns));
  std::vector<float> x = randomValues(rows * columns, 3),
                     gain = randomValues(columns, 1, 5),
                     bias = randomValues(columns, 1, 9);
  std::vector<Tensor> out;
  ASSERT_EQ(
      kernel.call(
          {make<float>(f32, {rows, columns}, x),
           make<float>(f32, {columns}, gain), make<float>(f32, {columns}, bias),
           Tensor::scalar(f32, float(columns)),
           make<float>(f32, {rows}, std::vector<float>(size_t(rows), 0.0f))},
          out),
      "");
  for (int64_t i = 0; i < rows; ++i) {
    double mean = 0, variance = 0;
    for (int64_t j = 0; j < columns; ++j)
      mean += double(x[size_t(i * columns + j)]) / double(columns);
    for (int64_t j = 0; j < columns; ++j)
      variance += std::pow(double(x[size_t(i * columns + j)]) - mean, 2) /
                  double(columns);
    for (int64_t j = 0; j < columns; ++j) {
      double expected = (double(x[size_t(i * columns + j)]) - mean) /
                            std::sqrt(variance + 1e-5) *
                            double(gain[size_t(j)]) +
                        double(bias[size_t(j)]);
      ASSERT_NEAR(out[0].as<float>()[i * columns + j], expected, 5e-6);
    }
  }
}

TEST(KernelRows, LayerNorm) {
  auto types = [](int64_t rows, int64_t columns) {
    return std::vector<Type>{tensor(f32, {rows, columns}),
                             tensor(f32, {columns}), tensor(f32, {columns}),
                             scalar(f32), tensor(f32, {rows})};
  };
  Kernel dynamic(shaped(layerNorm, -1, -1), types(-1, -1),
                 {tensor(f32, {-1, -1})});
  for (auto [rows, columns] : matrices)
    checkLayerNorm(dynamic, rows, columns);
  Kernel fixed(shaped(layerNorm, 300, 257), types(300, 257),
               {tensor(f32, {300, 257})});
  checkLayerNorm(fixed, 300, 257);
}

/// The inputs keep their values although every operation could write to one.
TEST(KernelRows, ChainsOfElementwiseOperations) {
  Kernel kernel(
      R"mlir(
    func.func @k(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>)
        -> (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?xf32>) {
      %c0 = arith.constant 0 : index
      %n = tensor.dim %x, %c0 : tensor<?x?xf32>
      %zero = arith.constant 0.0 : f32
      %e = tensor.empty(%n) : tensor<?xf32>
      %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
      %0 = arith.addf %x, %y : tensor<?x?xf32>
      %1 = arith.mulf %0, %y : tensor<?x?xf32>
      %2 = math.absf %1 : tensor<?x?xf32>
      %3 = arith.subf %2, %x : tensor<?x?xf32>
      %4 = linalg.reduce { arith.addf } ins(%3 : tensor<?x?xf32>)
             outs(%f : tensor<?xf32>) dimensions = [1]
      %5 = arith.negf %2 : tensor<?x?xf32>
      return %3, %5, %4 : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?xf32>
    })mlir",
      {tensor(f32, {-1, -1}), tensor(f32, {-1, -1})},
      {tensor(f32, {-1, -1}), tensor(f32, {-1, -1}), tensor(f32, {-1})});
  for (auto [rows, columns] : matrices) {
    SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(columns));
    std::vector<float> x = randomValues(rows * columns, 2),
                       y = randomValues(rows * columns, 2, 11);
    Tensor tx = make<float>(f32, {rows, columns}, x),
           ty = make<float>(f32, {rows, columns}, y);
    std::vector<Tensor> out;
    ASSERT_EQ(kernel.call({tx, ty}, out), "");
    EXPECT_EQ(values<float>(tx), x);
    EXPECT_EQ(values<float>(ty), y);
    for (int64_t i = 0; i < rows; ++i) {
      double sum = 0;
      for (int64_t j = 0; j < columns; ++j) {
        size_t at = size_t(i * columns + j);
        float product = std::fabs((x[at] + y[at]) * y[at]);
        float difference = product - x[at];
        ASSERT_EQ(out[0].as<float>()[at], difference);
        ASSERT_EQ(out[1].as<float>()[at], -product);
        sum += double(difference);
      }
      ASSERT_NEAR(out[2].as<float>()[i], sum, 1e-4);
    }
  }
}

/// The rows of a table, and an index that is out of it.
TEST(KernelRows, Gather) {
  Kernel kernel(R"mlir(
    func.func @k(%table: tensor<?x?xf32>, %rows: tensor<?xi64>)
        -> tensor<?x?xf32> {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %m = tensor.dim %rows, %c0 : tensor<?xi64>
      %n = tensor.dim %table, %c1 : tensor<?x?xf32>
      %e = tensor.empty(%m, %n) : tensor<?x?xf32>
      %r = linalg.generic {
          indexing_maps = [affine_map<(i, j) -> (i)>,
                           affine_map<(i, j) -> (i, j)>],
          iterator_types = ["parallel", "parallel"]}
          ins(%rows : tensor<?xi64>) outs(%e : tensor<?x?xf32>) {
      ^bb0(%row: i64, %o: f32):
        %i = arith.index_cast %row : i64 to index
        %j = linalg.index 1 : index
        %v = tensor.extract %table[%i, %j] : tensor<?x?xf32>
        linalg.yield %v : f32
      } -> tensor<?x?xf32>
      return %r : tensor<?x?xf32>
    })mlir",
                {tensor(f32, {-1, -1}), tensor(ElementKind::I64, {-1})},
                {tensor(f32, {-1, -1})});
  std::vector<float> table = randomValues(17 * 33, 1);
  auto call = [&](std::vector<int64_t> rows, std::vector<Tensor> &out) {
    int64_t count = int64_t(rows.size());
    return kernel.call({make<float>(f32, {17, 33}, table),
                        make<int64_t>(ElementKind::I64, {count}, rows)},
                       out);
  };
  std::vector<Tensor> out;
  std::vector<int64_t> rows = {16, 0, 3, 3, 9, 1, 2};
  ASSERT_EQ(call(rows, out), "");
  for (size_t i = 0; i < rows.size(); ++i)
    for (int64_t j = 0; j < 33; ++j)
      ASSERT_EQ(out[0].as<float>()[int64_t(i) * 33 + j],
                table[size_t(rows[i] * 33 + j)]);
  EXPECT_NE(call({3, 17}, out), "");
  EXPECT_NE(call({-1}, out), "");
}

/// Tiles and vectors differ from CPU to CPU, values do not.
TEST(KernelRows, SameBitsWhateverTheVectorUnit) {
  const std::string module = R"mlir(
    func.func @k(%a: tensor<37x300xf32>, %b: tensor<300x41xf32>)
        -> tensor<37x41xf32> {
      %zero = arith.constant 0.0 : f32
      %e = tensor.empty() : tensor<37x41xf32>
      %f = linalg.fill ins(%zero : f32) outs(%e : tensor<37x41xf32>)
             -> tensor<37x41xf32>
      %p = linalg.matmul ins(%a, %b : tensor<37x300xf32>, tensor<300x41xf32>)
             outs(%f : tensor<37x41xf32>) -> tensor<37x41xf32>
      %es = tensor.empty() : tensor<37xf32>
      %fs = linalg.fill ins(%zero : f32) outs(%es : tensor<37xf32>)
              -> tensor<37xf32>
      %sums = linalg.reduce { arith.addf } ins(%a : tensor<37x300xf32>)
                outs(%fs : tensor<37xf32>) dimensions = [1]
      %x = linalg.generic {
             indexing_maps = [affine_map<(i, j) -> (i)>,
                              affine_map<(i, j) -> (i, j)>],
             iterator_types = ["parallel", "parallel"]}
           ins(%sums : tensor<37xf32>) outs(%p : tensor<37x41xf32>) {
      ^bb0(%s: f32, %v: f32):
        %0 = math.tanh %v : f32
        %1 = math.exp %0 : f32
        %2 = arith.addf %1, %s : f32
        linalg.yield %2 : f32
      } -> tensor<37x41xf32>
      return %x : tensor<37x41xf32>
    })mlir";
  const std::vector<Tensor> inputs = {
      make<float>(f32, {37, 300}, randomValues(37 * 300, 0.3f)),
      make<float>(f32, {300, 41}, randomValues(300 * 41, 0.3f, 3))};
  std::vector<std::vector<float>> results;
  for (const char *cpu : {"portable", "host"}) {
    std::string error;
    mlir::FailureOr<KernelTarget> target = resolveKernelTarget(cpu, 2, error);
    ASSERT_TRUE(mlir::succeeded(target)) << error;
    std::vector<KernelSource> sources = {{"test", module}};
    KernelImage image = compileKernels(sources, *target, 1)[0];
    ASSERT_TRUE(image.errors.empty()) << image.errors[0];
    KernelCode code;
    code.name = "test";
    code.object = reinterpret_cast<const uint8_t *>(image.object.data());
    code.objectBytes = image.object.size();
    code.symbol = OCTO_KERNEL_SYMBOL;
    code.inputs = {tensor(f32, {37, 300}), tensor(f32, {300, 41})};
    code.outputs = {tensor(f32, {37, 41})};
    auto executor = load(code, target->cpu);
    ASSERT_TRUE(executor) << executor.error().message;
    std::vector<Tensor> out(1);
    auto done = (*executor)->call(0, inputs, out, {});
    ASSERT_TRUE(done) << done.error().message;
    results.push_back(values<float>(out[0]));
  }
  EXPECT_EQ(results[0], results[1]);
}

/// Over the whole range of f32, with zeros, infinities and NaN.
TEST(KernelMath, SpecialFunctions) {
  std::vector<float> input = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 1.0f};
  for (int sign : {1, -1})
    for (float x = 1e-30f; x < 1e5f; x *= 1.0037f)
      input.push_back(float(sign) * x);
  for (float x = -104; x < 89; x += 0.0173f)
    input.push_back(x);
  const std::pair<const char *, double (*)(double)> functions[] = {
      {"exp", std::exp},     {"expm1", std::expm1}, {"log", std::log},
      {"log1p", std::log1p}, {"log2", std::log2},   {"tanh", std::tanh},
      {"erf", std::erf},     {"sin", std::sin},     {"cos", std::cos},
      {"atan", std::atan},   {"exp2", std::exp2},   {"cbrt", std::cbrt}};
  for (auto [name, function] : functions) {
    SCOPED_TRACE(name);
    Kernel kernel("func.func @k(%a: tensor<?xf32>) -> tensor<?xf32> {\n%0 = "
                  "math." +
                      std::string(name) +
                      " %a : tensor<?xf32>\nreturn %0 : tensor<?xf32> }",
                  {tensor(f32, {-1})}, {tensor(f32, {-1})});
    std::vector<Tensor> out;
    ASSERT_EQ(
        kernel.call({make<float>(f32, {int64_t(input.size())}, input)}, out),
        "");
    double worst = 0;
    float worstAt = 0;
    unsigned failures = 0;
    for (size_t i = 0; i < input.size(); ++i) {
      double expected = function(double(input[i]));
      float got = out[0].as<float>()[i];
      if (std::isnan(expected) || std::isinf(float(expected))) {
        bool same =
            std::isnan(expected) ? std::isnan(got) : got == float(expected);
        if (!same && ++failures <= 3)
          ADD_FAILURE() << "at " << input[i] << ": " << got << " for "
                        << expected;
        continue;
      }
      if (std::abs(expected) < double(std::numeric_limits<float>::min())) {
        // Below the normal numbers there are few bits.
        EXPECT_LE(std::abs(got), std::numeric_limits<float>::min());
        continue;
      }
      double error = std::abs(double(got) - expected) / std::abs(expected);
      if (error > worst) {
        worst = error;
        worstAt = input[i];
      }
    }
    EXPECT_LT(worst, 1e-6) << "at " << worstAt;
    RecordProperty(name, std::to_string(worst * 0x1p23));
  }
}

} // namespace
