//===- KernelReductionsTest.cpp - Products, convolutions and sums ---------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every kind of reduction that the code generator tiles, at sizes that leave
// remainders everywhere, against loops written out here. The numbers are small
// integers, so all sums are exact and results must be equal to the bit.
//
//===----------------------------------------------------------------------===//

#include "KernelFixture.h"

#include <tuple>

using namespace octo;
using namespace octo::test;

namespace {

/// One row per index of an operand: the coefficients of the loops.
using Access = std::vector<std::vector<int64_t>>;

enum class Combine { MultiplyAdd, Add, Max, Min, Multiply };

struct Element {
  ElementKind kind;
  const char *name;
  bool isFloat;
};
constexpr Element anF32 = {ElementKind::F32, "f32", true};
constexpr Element anF64 = {ElementKind::F64, "f64", true};
constexpr Element anF16 = {ElementKind::F16, "f16", true};
constexpr Element aBF16 = {ElementKind::BF16, "bf16", true};
constexpr Element anI8 = {ElementKind::I8, "i8", false};
constexpr Element anI16 = {ElementKind::I16, "i16", false};
constexpr Element anI32 = {ElementKind::I32, "i32", false};
constexpr Element anI64 = {ElementKind::I64, "i64", false};

/// An operation with one or two inputs.
struct Reduction {
  /// The named operation and its attributes; empty: a linalg.generic is made of
  /// the accesses.
  std::string op;
  std::string kinds; // p and r, one per loop
  Access a, b, c;    // no b: one input
  Element in = anF32, out = anF32;
  Combine combine = Combine::MultiplyAdd;
  /// The second operand gives a shape and no values, as in pooling.
  bool windowOnly = false;
};

uint16_t toHalf(float value) {
  _Float16 half = static_cast<_Float16>(value);
  uint16_t bits;
  std::memcpy(&bits, &half, 2);
  return bits;
}
float fromHalf(uint16_t bits) {
  _Float16 half;
  std::memcpy(&half, &bits, 2);
  return half;
}

void put(Tensor &tensor, int64_t i, double value) {
  switch (tensor.kind()) {
  case ElementKind::F64:
    tensor.as<double>()[i] = value;
    break;
  case ElementKind::F32:
    tensor.as<float>()[i] = float(value);
    break;
  case ElementKind::F16:
    tensor.as<uint16_t>()[i] = toHalf(float(value));
    break;
  case ElementKind::BF16: {
    float wide = float(value);
    uint32_t bits;
    std::memcpy(&bits, &wide, 4);
    tensor.as<uint16_t>()[i] = uint16_t(bits >> 16); // exact for our values
    break;
  }
  case ElementKind::I8:
    tensor.as<int8_t>()[i] = int8_t(value);
    break;
  case ElementKind::I16:
    tensor.as<int16_t>()[i] = int16_t(value);
    break;
  case ElementKind::I32:
    tensor.as<int32_t>()[i] = int32_t(value);
    break;
  default:
    tensor.as<int64_t>()[i] = int64_t(value);
    break;
  }
}

double get(const Tensor &tensor, int64_t i) {
  switch (tensor.kind()) {
  case ElementKind::F64:
    return tensor.as<double>()[i];
  case ElementKind::F32:
    return double(tensor.as<float>()[i]);
  case ElementKind::F16:
    return double(fromHalf(tensor.as<uint16_t>()[i]));
  case ElementKind::BF16: {
    uint32_t bits = uint32_t(tensor.as<uint16_t>()[i]) << 16;
    float wide;
    std::memcpy(&wide, &bits, 4);
    return double(wide);
  }
  case ElementKind::I8:
    return tensor.as<int8_t>()[i];
  case ElementKind::I16:
    return tensor.as<int16_t>()[i];
  case ElementKind::I32:
    return tensor.as<int32_t>()[i];
  default:
    return double(tensor.as<int64_t>()[i]);
  }
}

std::string mapText(const Access &access, size_t loops) {
  std::string text = "affine_map<(";
  for (size_t i = 0; i < loops; ++i)
    text += (i ? ", d" : "d") + std::to_string(i);
  text += ") -> (";
  for (size_t row = 0; row < access.size(); ++row) {
    std::string sum;
    for (size_t i = 0; i < loops; ++i)
      if (access[row][i])
        sum += (sum.empty() ? "d" : " + d") + std::to_string(i) + " * " +
               std::to_string(access[row][i]);
    text += (row ? ", " : "") + (sum.empty() ? std::string("0") : sum);
  }
  return text + ")>";
}

std::vector<int64_t> shapeOf(const Access &access,
                             const std::vector<int64_t> &sizes) {
  std::vector<int64_t> shape;
  for (const std::vector<int64_t> &row : access) {
    int64_t most = 1;
    for (size_t i = 0; i < sizes.size(); ++i)
      most += row[i] * (sizes[i] - 1);
    shape.push_back(most);
  }
  return shape;
}

std::string typeText(const std::vector<int64_t> &shape, const char *element) {
  std::string text = "tensor<";
  for (int64_t size : shape)
    text += (size < 0 ? "?" : std::to_string(size)) + "x";
  return text + element + ">";
}

std::string moduleText(const Reduction &r, const std::vector<int64_t> &a,
                       const std::vector<int64_t> &b,
                       const std::vector<int64_t> &c) {
  bool two = !r.b.empty();
  std::string in = r.in.name, out = r.out.name;
  std::string ta = typeText(a, r.in.name), tb = typeText(b, r.in.name),
              tc = typeText(c, r.out.name);
  std::string operands =
      two ? "ins(%a, %b : " + ta + ", " + tb + ")" : "ins(%a : " + ta + ")";
  operands += " outs(%c : " + tc + ")";
  std::string text = "func.func @k(%a: " + ta + (two ? ", %b: " + tb : "") +
                     ", %c: " + tc + ") -> " + tc + " {\n";
  if (!r.op.empty())
    return text + "%r = " + r.op + " " + operands + " -> " + tc +
           "\nreturn %r : " + tc + " }";
  size_t loops = r.kinds.size();
  text += "%r = linalg.generic {indexing_maps = [" + mapText(r.a, loops) +
          (two ? ", " + mapText(r.b, loops) : "") + ", " + mapText(r.c, loops) +
          "], iterator_types = [";
  for (size_t i = 0; i < loops; ++i)
    text += std::string(i ? ", " : "") +
            (r.kinds[i] == 'p' ? "\"parallel\"" : "\"reduction\"");
  text += "]} " + operands + " {\n^bb0(%x: " + in + (two ? ", %y: " + in : "") +
          ", %o: " + out + "):\n";
  auto widen = [&](const std::string &name) {
    if (in == out)
      return "%" + name;
    text += "%w" + name + " = arith." + (r.in.isFloat ? "extf" : "extsi") +
            " %" + name + " : " + in + " to " + out + "\n";
    return "%w" + name;
  };
  std::string x = widen("x"), suffix = r.out.isFloat ? "f" : "i";
  std::string value = x;
  if (two) {
    std::string y = widen("y");
    text += "%p = arith.mul" + suffix + " " + x + ", " + y + " : " + out + "\n";
    value = "%p";
  }
  std::string how =
      r.combine == Combine::Max        ? (r.out.isFloat ? "maximumf" : "maxsi")
      : r.combine == Combine::Min      ? (r.out.isFloat ? "minnumf" : "minsi")
      : r.combine == Combine::Multiply ? "mul" + suffix
                                       : "add" + suffix;
  return text + "%s = arith." + how + " %o, " + value + " : " + out +
         "\nlinalg.yield %s : " + out + "\n} -> " + tc + "\nreturn %r : " + tc +
         " }";
}

int64_t offsetOf(const Access &access, const std::vector<int64_t> &shape,
                 const std::vector<int64_t> &at) {
  int64_t offset = 0;
  for (size_t row = 0; row < access.size(); ++row) {
    int64_t index = 0;
    for (size_t i = 0; i < at.size(); ++i)
      index += access[row][i] * at[i];
    offset = offset * shape[row] + index;
  }
  return offset;
}

/// The loops written out. `c` is the start and the result.
void reference(const Reduction &r, const std::vector<int64_t> &sizes,
               const Tensor &a, const Tensor *b, std::vector<double> &c) {
  std::vector<int64_t> sa = shapeOf(r.a, sizes), sb = shapeOf(r.b, sizes),
                       sc = shapeOf(r.c, sizes), at(sizes.size(), 0);
  if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end())
    return;
  for (;;) {
    double value = get(a, offsetOf(r.a, sa, at));
    if (b && !r.windowOnly)
      value *= get(*b, offsetOf(r.b, sb, at));
    double &old = c[size_t(offsetOf(r.c, sc, at))];
    switch (r.combine) {
    case Combine::Max:
      old = std::max(old, value);
      break;
    case Combine::Min:
      old = std::min(old, value);
      break;
    case Combine::Multiply:
      old *= value;
      break;
    default:
      old += value;
    }
    size_t i = sizes.size();
    while (i > 0 && ++at[i - 1] == sizes[i - 1])
      at[--i] = 0;
    if (i == 0)
      return;
  }
}

Tensor filled(const Element &element, std::vector<int64_t> shape, uint32_t seed,
              Combine combine) {
  Tensor tensor = Tensor::allocate(element.kind, std::move(shape));
  uint32_t state = seed;
  for (int64_t i = 0; i < tensor.numElements(); ++i) {
    state = state * 1664525u + 1013904223u;
    int64_t draw = int64_t(state >> 16) % 3 - 1; // -1, 0, 1
    if (combine == Combine::Multiply)
      draw = draw == 0 ? 1 : draw;
    else if (combine != Combine::MultiplyAdd && combine != Combine::Add)
      draw = int64_t(state >> 16) % 200 - 100;
    put(tensor, i, double(draw));
  }
  return tensor;
}

/// Runs the operation at all the sizes; `dynamic` compiles it once for all.
void check(const Reduction &r, const std::vector<std::vector<int64_t>> &all,
           bool dynamic) {
  std::unique_ptr<Kernel> kernel;
  bool two = !r.b.empty();
  for (const std::vector<int64_t> &sizes : all) {
    std::string trace = r.op + " " + r.kinds + " " + r.in.name + " " +
                        r.out.name + (dynamic ? " dynamic" : "");
    for (int64_t size : sizes)
      trace += " " + std::to_string(size);
    SCOPED_TRACE(trace);
    std::vector<int64_t> sa = shapeOf(r.a, sizes), sb = shapeOf(r.b, sizes),
                         sc = shapeOf(r.c, sizes);
    if (!kernel || !dynamic) {
      auto shape = [&](const std::vector<int64_t> &known) {
        return dynamic ? std::vector<int64_t>(known.size(), -1) : known;
      };
      std::vector<Type> inputs = {tensor(r.in.kind, shape(sa))};
      if (two)
        inputs.push_back(tensor(r.in.kind, shape(sb)));
      inputs.push_back(tensor(r.out.kind, shape(sc)));
      kernel = std::make_unique<Kernel>(
          moduleText(r, shape(sa), shape(sb), shape(sc)), inputs,
          std::vector<Type>{tensor(r.out.kind, shape(sc))});
      ASSERT_TRUE(kernel->executor);
    }
    Tensor a = filled(r.in, sa, 1, r.combine),
           b = filled(r.in, sb, 2, r.combine),
           c = filled(r.out, sc, 3, r.combine);
    std::vector<double> expected(size_t(c.numElements()));
    for (int64_t i = 0; i < c.numElements(); ++i)
      expected[size_t(i)] = get(c, i);
    reference(r, sizes, a, two ? &b : nullptr, expected);
    std::vector<Tensor> inputs = {a};
    if (two)
      inputs.push_back(b);
    inputs.push_back(c);
    std::vector<Tensor> out;
    ASSERT_EQ(kernel->call(inputs, out), "");
    ASSERT_EQ(out[0].numElements(), int64_t(expected.size()));
    for (int64_t i = 0; i < out[0].numElements(); ++i)
      ASSERT_EQ(get(out[0], i), expected[size_t(i)]) << "element " << i;
  }
}

const std::vector<std::vector<int64_t>> ragged = {
    {1, 1, 1},    {7, 17, 33},    {17, 33, 129}, {33, 129, 7}, {129, 7, 17},
    {64, 64, 64}, {129, 129, 33}, {1, 129, 129}, {129, 1, 129}};
const std::vector<std::vector<int64_t>> raggedStatic = {
    {7, 17, 33}, {33, 129, 129}, {1, 129, 129}, {129, 1, 129}, {64, 96, 128}};

const Access rowOfA = {{1, 0, 0}, {0, 0, 1}},
             columnOfB = {{0, 0, 1}, {0, 1, 0}}, ofC = {{1, 0, 0}, {0, 1, 0}};
const Access transposedA = {{0, 0, 1}, {1, 0, 0}},
             transposedB = {{0, 1, 0}, {0, 0, 1}};

std::string matmulWith(const Access &a, const Access &b) {
  return "linalg.matmul indexing_maps = [" + mapText(a, 3) + ", " +
         mapText(b, 3) + ", " + mapText(ofC, 3) + "]";
}

TEST(KernelReductions, MatrixProducts) {
  Reduction product{"linalg.matmul", "ppr", rowOfA, columnOfB, ofC};
  check(product, ragged, true);
  check(product, raggedStatic, false);
  // Nothing to add, and nothing to add to.
  const std::vector<std::vector<int64_t>> empty = {
      {33, 17, 0}, {0, 33, 65}, {33, 0, 65}};
  check(product, empty, true);
  check(product, empty, false);
  // Long sums pass several panels.
  check(product, {{9, 65, 1500}}, true);
  check(product, {{9, 65, 1500}}, false);
}

TEST(KernelReductions, TransposedProducts) {
  for (auto [a, b] :
       {std::pair(transposedA, columnOfB), std::pair(rowOfA, transposedB),
        std::pair(transposedA, transposedB)}) {
    Reduction product{"", "ppr", a, b, ofC};
    check(product, ragged, true);
    check(product, raggedStatic, false);
  }
  check({matmulWith(rowOfA, transposedB), "ppr", rowOfA, transposedB, ofC},
        {{33, 17, 129}}, false);
}

TEST(KernelReductions, ElementTypes) {
  const std::pair<Element, Element> types[] = {
      {anF64, anF64}, {anF16, anF32}, {aBF16, anF32}, {anF16, anF16},
      {aBF16, aBF16}, {anI8, anI32},  {anI8, anI8},   {anI16, anI16},
      {anI32, anI32}, {anI64, anI64}, {anI16, anI64}};
  for (auto [in, out] : types) {
    Reduction product{"", "ppr", rowOfA, columnOfB, ofC, in, out};
    check(product, {{7, 17, 33}, {17, 33, 129}}, true);
    check(product, {{33, 65, 129}}, false);
    // Along the sums.
    Reduction dot{"", "pr", {{1, 0}, {0, 1}}, {{0, 1}}, {{1, 0}}, in, out};
    check(dot, {{7, 33}, {3, 129}}, true);
    check(dot, {{33, 129}}, false);
  }
}

TEST(KernelReductions, BatchesAndVectors) {
  Access a = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 0, 1}},
         b = {{1, 0, 0, 0}, {0, 0, 0, 1}, {0, 0, 1, 0}},
         c = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}};
  Reduction batch{"linalg.batch_matmul", "pppr", a, b, c};
  check(batch, {{1, 7, 17, 33}, {3, 33, 129, 17}, {7, 1, 33, 129}}, true);
  check(batch, {{3, 33, 129, 17}, {2, 64, 64, 700}}, false);
  Reduction matvec{"linalg.matvec", "pr", {{1, 0}, {0, 1}}, {{0, 1}}, {{1, 0}}};
  Reduction vecmat{"linalg.vecmat", "pr", {{0, 1}}, {{0, 1}, {1, 0}}, {{1, 0}}};
  Reduction dot{"linalg.dot", "r", {{1}}, {{1}}, {}};
  const std::vector<std::vector<int64_t>> sizes = {
      {1, 1}, {7, 17}, {17, 129}, {129, 33}, {129, 129}, {600, 31}};
  check(matvec, sizes, true);
  check(matvec, sizes, false);
  check(vecmat, sizes, true);
  check(vecmat, sizes, false);
  check(dot, {{1}, {7}, {33}, {129}, {4096}}, true);
  check(dot, {{129}, {4096}}, false);
  // A column and a row that are matrices.
  check({"linalg.matmul", "ppr", rowOfA, columnOfB, ofC},
        {{513, 1, 70}, {1, 513, 70}, {1, 1, 5000}}, false);
}

TEST(KernelReductions, Convolutions) {
  // n, oh, ow, f, kh, kw, c
  for (int64_t stride : {1, 2})
    for (int64_t dilation : {1, 2}) {
      std::string how = " {dilations = dense<" + std::to_string(dilation) +
                        "> : tensor<2xi64>, strides = dense<" +
                        std::to_string(stride) + "> : tensor<2xi64>}";
      Access image = {{1, 0, 0, 0, 0, 0, 0},
                      {0, stride, 0, 0, dilation, 0, 0},
                      {0, 0, stride, 0, 0, dilation, 0},
                      {0, 0, 0, 0, 0, 0, 1}};
      Access filter = {{0, 0, 0, 0, 1, 0, 0},
                       {0, 0, 0, 0, 0, 1, 0},
                       {0, 0, 0, 0, 0, 0, 1},
                       {0, 0, 0, 1, 0, 0, 0}};
      Access result = {{1, 0, 0, 0, 0, 0, 0},
                       {0, 1, 0, 0, 0, 0, 0},
                       {0, 0, 1, 0, 0, 0, 0},
                       {0, 0, 0, 1, 0, 0, 0}};
      Reduction last{"linalg.conv_2d_nhwc_hwcf" + how, "ppppprrr", image,
                     filter, result};
      last.kinds = "pppprrr";
      check(last, {{2, 5, 7, 17, 3, 3, 33}, {1, 3, 33, 7, 1, 2, 17}}, true);
      check(last, {{2, 5, 17, 33, 3, 3, 7}, {1, 2, 9, 64, 3, 3, 129}}, false);

      // n, f, oh, ow, c, kh, kw
      image = {{1, 0, 0, 0, 0, 0, 0},
               {0, 0, 0, 0, 1, 0, 0},
               {0, 0, stride, 0, 0, dilation, 0},
               {0, 0, 0, stride, 0, 0, dilation}};
      filter = {{0, 1, 0, 0, 0, 0, 0},
                {0, 0, 0, 0, 1, 0, 0},
                {0, 0, 0, 0, 0, 1, 0},
                {0, 0, 0, 0, 0, 0, 1}};
      Reduction first{"linalg.conv_2d_nchw_fchw" + how, "pppprrr", image,
                      filter, result};
      check(first, {{2, 17, 5, 7, 33, 3, 3}, {1, 7, 3, 33, 5, 1, 2}}, true);
      check(first, {{2, 17, 5, 33, 7, 3, 3}, {1, 33, 2, 129, 3, 3, 3}}, false);
    }
}

TEST(KernelReductions, OtherConvolutionsAndPooling) {
  // 1-D, channels last: n, ow, f, kw, c
  check({"linalg.conv_1d_nwc_wcf",
         "ppprr",
         {{1, 0, 0, 0, 0}, {0, 1, 0, 1, 0}, {0, 0, 0, 0, 1}},
         {{0, 0, 0, 1, 0}, {0, 0, 0, 0, 1}, {0, 0, 1, 0, 0}},
         {{1, 0, 0, 0, 0}, {0, 1, 0, 0, 0}, {0, 0, 1, 0, 0}}},
        {{1, 33, 17, 3, 7}, {2, 7, 129, 5, 17}}, true);
  // Depthwise: n, oh, ow, c, kh, kw
  check({"linalg.depthwise_conv_2d_nhwc_hwc",
         "pppprr",
         {{1, 0, 0, 0, 0, 0},
          {0, 1, 0, 0, 1, 0},
          {0, 0, 1, 0, 0, 1},
          {0, 0, 0, 1, 0, 0}},
         {{0, 0, 0, 0, 1, 0}, {0, 0, 0, 0, 0, 1}, {0, 0, 0, 1, 0, 0}},
         {{1, 0, 0, 0, 0, 0},
          {0, 1, 0, 0, 0, 0},
          {0, 0, 1, 0, 0, 0},
          {0, 0, 0, 1, 0, 0}}},
        {{1, 5, 7, 33, 3, 3}, {2, 3, 17, 129, 3, 3}}, true);
  for (int64_t stride : {1, 2}) {
    std::string how =
        " {strides = dense<" + std::to_string(stride) + "> : tensor<2xi64>}";
    Access image = {{1, 0, 0, 0, 0, 0},
                    {0, stride, 0, 0, 1, 0},
                    {0, 0, stride, 0, 0, 1},
                    {0, 0, 0, 1, 0, 0}};
    Access window = {{0, 0, 0, 0, 1, 0}, {0, 0, 0, 0, 0, 1}};
    Access result = {{1, 0, 0, 0, 0, 0},
                     {0, 1, 0, 0, 0, 0},
                     {0, 0, 1, 0, 0, 0},
                     {0, 0, 0, 1, 0, 0}};
    for (auto [name, combine] :
         {std::pair("max", Combine::Max), std::pair("sum", Combine::Add)}) {
      Reduction pool{"linalg.pooling_nhwc_" + std::string(name) + how,
                     "pppprr",
                     image,
                     window,
                     result,
                     anF32,
                     anF32,
                     combine,
                     true};
      check(pool, {{1, 5, 7, 33, 2, 2}, {2, 3, 17, 7, 3, 3}}, true);
      check(pool, {{1, 8, 17, 64, 3, 3}}, false);
    }
    // n, c, oh, ow, kh, kw
    image = {{1, 0, 0, 0, 0, 0},
             {0, 1, 0, 0, 0, 0},
             {0, 0, stride, 0, 1, 0},
             {0, 0, 0, stride, 0, 1}};
    check({"linalg.pooling_nchw_max" + how, "pppprr", image, window, result,
           anF32, anF32, Combine::Max, true},
          {{1, 5, 7, 33, 2, 2}, {2, 17, 3, 7, 3, 3}}, true);
  }
}

TEST(KernelReductions, ReducedDimensionsThatAreKept) {
  // tensor<m x 1>
  check({"", "pr", {{1, 0}, {0, 1}}, {}, {{1, 0}, {0, 0}}},
        {{33, 129}, {129, 33}}, true);
}

TEST(KernelReductions, SumsOfRowsColumnsAndAll) {
  const std::vector<std::vector<int64_t>> sizes = {
      {1, 1}, {7, 17}, {33, 129}, {129, 33}, {2, 1025}, {1025, 2}};
  for (Combine combine :
       {Combine::Add, Combine::Max, Combine::Min, Combine::Multiply})
    for (Element element : {anF32, anF64, anI32, anI8}) {
      Access both = {{1, 0}, {0, 1}};
      for (auto [kinds, result] :
           {std::pair("pr", Access{{1, 0}}), std::pair("rp", Access{{0, 1}}),
            std::pair("rr", Access{})}) {
        // Sums of many bytes would wrap around.
        if (element.kind == ElementKind::I8 && combine == Combine::Add)
          continue;
        Reduction sum{"", kinds, both, {}, result, element, element, combine};
        check(sum, sizes, true);
        check(sum, {{33, 129}}, false);
      }
    }
}

/// Any indexing maps: transposed, strided, overlapping, with loops that only
/// one operand or the result has.
TEST(KernelReductions, RandomIndexingMaps) {
  uint32_t state = 20;
  auto draw = [&](size_t bound) {
    state = state * 1664525u + 1013904223u;
    return size_t(state >> 16) % bound;
  };
  const int64_t extents[] = {1, 2, 3, 5, 7, 16, 17, 33, 40, 70};
  const std::pair<Element, Element> types[] = {
      {anF32, anF32}, {anF32, anF32}, {anI8, anI32}, {anF64, anF64}};
  for (int round = 0; round < 48; ++round) {
    size_t loops = 2 + draw(4);
    std::vector<int64_t> sizes;
    int64_t points = 1;
    for (size_t i = 0; i < loops; ++i) {
      int64_t size = extents[draw(std::size(extents))];
      if (points * size > 60000)
        size = 2;
      points *= size;
      sizes.push_back(size);
    }
    Reduction r;
    std::vector<size_t> parallel;
    for (size_t i = 0; i < loops; ++i) {
      bool isLast = i + 1 == loops;
      // At least one reduction.
      bool isParallel = draw(5) < 3 && !(isLast && parallel.size() == i);
      r.kinds += isParallel ? 'p' : 'r';
      if (isParallel)
        parallel.push_back(i);
    }
    auto unit = [&](size_t loop) {
      std::vector<int64_t> row(loops, 0);
      row[loop] = 1;
      return row;
    };
    for (size_t i = parallel.size(); i > 1; --i)
      std::swap(parallel[i - 1], parallel[draw(i)]);
    for (size_t loop : parallel)
      r.c.push_back(unit(loop));
    auto operand = [&] {
      Access access;
      for (size_t i = 0, rank = 1 + draw(3); i < rank; ++i) {
        std::vector<int64_t> row = unit(draw(loops));
        if (draw(3) == 0)
          row[draw(loops)] += int64_t(1 + draw(2));
        access.push_back(row);
      }
      return access;
    };
    r.a = operand();
    if (draw(4) != 0)
      r.b = operand();
    // Every reduction loop has its extent from somewhere.
    for (size_t i = 0; i < loops; ++i)
      if (r.kinds[i] == 'r')
        r.a.insert(r.a.begin() + int64_t(draw(r.a.size() + 1)), unit(i));
    std::tie(r.in, r.out) = types[draw(std::size(types))];
    r.combine = r.b.empty() && draw(2) ? Combine::Max : Combine::MultiplyAdd;
    SCOPED_TRACE("round " + std::to_string(round));
    int64_t elements = 1;
    for (int64_t size : shapeOf(r.a, sizes))
      elements *= size;
    if (elements > 4000000)
      continue;
    check(r, {sizes}, round % 2 == 0);
  }
}

/// Sums along memory keep 32 partial sums of f32, whatever the CPU: lane i has
/// the elements i, i + 32, ...; then lane i is added to lane i + 16, and so on.
TEST(KernelReductions, OrderOfSumsAlongMemory) {
  Kernel kernel(R"mlir(
    func.func @k(%x: tensor<?xf32>, %s: tensor<f32>) -> tensor<f32> {
      %r = linalg.reduce { arith.addf } ins(%x : tensor<?xf32>)
             outs(%s : tensor<f32>) dimensions = [0]
      return %r : tensor<f32>
    })mlir",
                {tensor(f32, {-1}), tensor(f32, {})}, {tensor(f32, {})});
  for (int64_t size : {0, 5, 32, 77, 1000}) {
    std::vector<float> x;
    for (int64_t i = 0; i < size; ++i)
      x.push_back(1.0f / float(i + 3));
    float lanes[32];
    std::fill(std::begin(lanes), std::end(lanes), -0.0f);
    for (int64_t i = 0; i < size; ++i)
      lanes[i % 32] += x[size_t(i)];
    for (int half = 16; half > 0; half /= 2)
      for (int i = 0; i < half; ++i)
        lanes[i] += lanes[i + half];
    std::vector<Tensor> out;
    ASSERT_EQ(
        kernel.call(
            {make<float>(f32, {size}, x), make<float>(f32, {}, {0.25f})}, out),
        "");
    EXPECT_EQ(*out[0].as<float>(), 0.25f + lanes[0]) << size;
  }
}

/// Elsewhere sums run in the order of the loops, each product rounded once with
/// its sum.
TEST(KernelReductions, OrderOfProducts) {
  Kernel kernel(
      moduleText({"linalg.matmul", "ppr", rowOfA, columnOfB, ofC}, {-1, -1},
                 {-1, -1}, {-1, -1}),
      {tensor(f32, {-1, -1}), tensor(f32, {-1, -1}), tensor(f32, {-1, -1})},
      {tensor(f32, {-1, -1})});
  const int64_t m = 9, n = 37, k = 1300;
  std::vector<float> a, b, c;
  for (int64_t i = 0; i < m * k; ++i)
    a.push_back(1.0f / float(i % 977 + 1));
  for (int64_t i = 0; i < k * n; ++i)
    b.push_back(1.0f / float(i % 1009 + 2) - 0.01f);
  for (int64_t i = 0; i < m * n; ++i)
    c.push_back(float(i) * 0.001f);
  std::vector<Tensor> out;
  ASSERT_EQ(
      kernel.call({make<float>(f32, {m, k}, a), make<float>(f32, {k, n}, b),
                   make<float>(f32, {m, n}, c)},
                  out),
      "");
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      float sum = c[size_t(i * n + j)];
      for (int64_t l = 0; l < k; ++l)
        sum = std::fma(a[size_t(i * k + l)], b[size_t(l * n + j)], sum);
      ASSERT_EQ(out[0].as<float>()[i * n + j], sum) << i << " " << j;
    }
}

/// Infinities and NaN get through; masked lanes add nothing.
TEST(KernelReductions, NotANumberAndInfinity) {
  Kernel kernel(R"mlir(
    func.func @k(%x: tensor<?x?xf32>, %m: tensor<?xf32>, %s: tensor<?xf32>)
        -> (tensor<?xf32>, tensor<?xf32>) {
      %0 = linalg.reduce { arith.maximumf } ins(%x : tensor<?x?xf32>)
             outs(%m : tensor<?xf32>) dimensions = [1]
      %1 = linalg.reduce { arith.addf } ins(%x : tensor<?x?xf32>)
             outs(%s : tensor<?xf32>) dimensions = [1]
      return %0, %1 : tensor<?xf32>, tensor<?xf32>
    })mlir",
                {tensor(f32, {-1, -1}), tensor(f32, {-1}), tensor(f32, {-1})},
                {tensor(f32, {-1}), tensor(f32, {-1})});
  const float inf = INFINITY;
  for (int64_t columns : {3, 32, 45, 130}) {
    std::vector<float> x(size_t(4 * columns), -1.0f);
    x[size_t(0 * columns + 2)] = NAN;
    x[size_t(1 * columns + 2)] = inf;
    x[size_t(2 * columns + 0)] = -inf;
    x[size_t(3 * columns + 2)] = inf;
    x[size_t(3 * columns + 1)] = -inf;
    std::vector<Tensor> out;
    ASSERT_EQ(kernel.call({make<float>(f32, {4, columns}, x),
                           make<float>(f32, {4}, {-inf, -inf, -inf, -inf}),
                           make<float>(f32, {4}, {0, 0, 0, 0})},
                          out),
              "");
    const float *most = out[0].as<float>(), *sum = out[1].as<float>();
    EXPECT_TRUE(std::isnan(most[0]) && std::isnan(sum[0]));
    EXPECT_EQ(most[1], inf);
    EXPECT_EQ(sum[1], inf);
    EXPECT_EQ(most[2], -1.0f);
    EXPECT_EQ(sum[2], -inf);
    EXPECT_EQ(most[3], inf);
    EXPECT_TRUE(std::isnan(sum[3]));
  }
}

} // namespace
