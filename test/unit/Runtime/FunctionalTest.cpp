//===- FunctionalTest.cpp - Runs that execute code  ===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestRun.h"

#include "Engine.h"

#include "octo/Support/Sha256.h"

#include <algorithm>
#include <cmath>
#include <fstream>

using namespace octo;
using namespace octo::test;

namespace {

static Tensor vector(std::vector<float> values) {
  Tensor t = Tensor::allocate(ElementKind::F32, {int64_t(values.size())});
  std::copy(values.begin(), values.end(), t.as<float>());
  return t;
}

static SimulationOptions functional(const char *policy, uint64_t requests = 1) {
  SimulationOptions options;
  options.policy = policy;
  options.scenario.requests = requests;
  options.scenario.tenants.emplace_back();
  return options;
}

/// out = 2 * in, work = elements of the input.
TEST(Functional, TaskWithDynamicSize) {
  for (const char *policy : generalPolicies) {
    TestProgram p;
    uint32_t type = p.type(fb::ElementKind::F32, {-1});
    uint32_t kernel = p.imageKernel(1, 1, /*fixed=*/10, /*vectorQ16=*/65536);
    p.term(3, {0});
    p.body.addImport(0, type, 40);
    BlockSpec &t = p.body.add(fb::BlockKind::Task, "main/t");
    t.kernel = kernel;
    t.inputs = {import(0)};
    t.outputs = {type};
    t.outputBytes = {40};
    p.body.yields = {output(0)};
    FunctionExecutor executor;
    executor.functions[kernel] = [](std::span<const Tensor> in,
                                    std::span<Tensor> out,
                                    std::span<int64_t>) -> Expected<void> {
      out[0] = Tensor::allocate(ElementKind::F32, {in[0].dim(0)});
      for (int64_t i = 0; i < in[0].dim(0); ++i)
        out[0].as<float>()[i] = 2 * in[0].as<float>()[i];
      return {};
    };
    SimulationOptions options = functional(policy, 2);
    options.scenario.tenants[0].inputs.resize(1);
    options.scenario.tenants[0].inputs[0].items = {vector({1, 2, 3}),
                                                   vector({4, 5, 6, 7, 8})};
    RunResult r = run(p.build(), options, &executor);
    ASSERT_EQ(r.outputs.size(), 2u);
    ASSERT_EQ(r.outputs[1].size(), 1u);
    EXPECT_EQ(r.outputs[0][0].dim(0), 3);
    EXPECT_EQ(r.outputs[1][0].as<float>()[4], 16.0f);
    EXPECT_EQ(r.blocks[0].workCycles, 10u + 9 + 10 + 15);
    EXPECT_EQ(r.outputsSha256.size(), 64u);
  }
}

/// A kernel decides, another one traps for some requests; the digest of the
/// outputs is the same under every policy.
TEST(Functional, TrapFailsTheRequestOnly) {
  std::string digest;
  for (const char *policy : generalPolicies) {
    TestProgram p(1, 1, 2, 2);
    uint32_t type = p.type(fb::ElementKind::I32, {}, true);
    uint32_t kernel = p.imageKernel(1, 1, 100);
    uint32_t decide = p.imageKernel(1, 1, 0);
    p.body.addImport(0, type, 4);
    BlockSpec &s = p.body.add(fb::BlockKind::Switch, "main/s");
    s.inputs = {import(0), import(0)};
    s.decideInputs = 1;
    s.kernel = decide;
    s.outputs = {type};
    s.outputBytes = {4};
    for (int c = 0; c < 2; ++c) {
      RegionSpec &region = s.region(fb::RegionRole::Case);
      region.addImport(1, type, 4);
      if (c == 0) {
        BlockSpec &t = region.add(fb::BlockKind::Task, "main/s/divide");
        t.kernel = kernel;
        t.inputs = {import(0)};
        t.outputs = {type};
        t.outputBytes = {4};
        t.line = 40;
        region.yields = {output(0)};
      } else {
        region.yields = {import(0)};
      }
    }
    p.body.yields = {output(0)};
    FunctionExecutor executor;
    executor.functions[decide] = [](auto in, auto out, auto) -> Expected<void> {
      out[0] = Tensor::scalar<int64_t>(ElementKind::Index,
                                       in[0].template as<int32_t>()[0] % 2);
      return {};
    };
    executor.functions[kernel] = [](auto in, auto out, auto) -> Expected<void> {
      int32_t x = in[0].template as<int32_t>()[0];
      if (x == 4)
        return makeError("integer division by zero");
      out[0] = Tensor::scalar<int32_t>(ElementKind::I32, 100 / (x - 4));
      return {};
    };
    SimulationOptions options = functional(policy, 7);
    options.scenario.tenants[0].arrivals.inFlight = 3;
    options.scenario.tenants[0].inputs.resize(1);
    for (int32_t i = 0; i < 7; ++i)
      options.scenario.tenants[0].inputs[0].items.push_back(
          Tensor::scalar<int32_t>(ElementKind::I32, i));
    RunResult r = run(p.build(), options, &executor);
    EXPECT_EQ(r.requestsCompleted, 6u);
    ASSERT_EQ(r.failures.size(), 1u);
    EXPECT_EQ(r.failures[0].request, 4u);
    EXPECT_EQ(r.failures[0].path, "main/s/divide");
    EXPECT_EQ(r.failures[0].line, 40u);
    EXPECT_EQ(r.failures[0].reason, "integer division by zero");
    EXPECT_TRUE(r.outputs[4].empty());
    EXPECT_EQ(r.outputs[6][0].as<int32_t>()[0], 50);
    EXPECT_EQ(r.outputs[5][0].as<int32_t>()[0], 5);
    if (digest.empty())
      digest = r.outputsSha256;
    EXPECT_EQ(r.outputsSha256, digest) << policy;
  }
}

/// x = x / 2 until it is below 1, then a fan-out over the number of steps.
TEST(Functional, LoopAndFanoutByData) {
  TestProgram p(1, 1, 2, 2);
  uint32_t real = p.type(fb::ElementKind::F64, {}, true);
  uint32_t index = p.type(fb::ElementKind::Index, {}, true);
  uint32_t list = p.type(fb::ElementKind::I64, {-1});
  uint32_t halve = p.imageKernel(2, 2, 10), more = p.imageKernel(1, 1, 0);
  uint32_t square = p.imageKernel(1, 1, 10), empty = p.imageKernel(0, 1, 1);
  p.body.addImport(0, real, 8);
  p.body.addImport(1, index, 8);
  BlockSpec &loop = p.body.add(fb::BlockKind::Loop, "main/l");
  loop.inputs = {import(0), import(1)};
  loop.outputs = {real, index};
  loop.outputBytes = {8, 8};
  loop.kernel = more;
  loop.decideInputs = 1;
  RegionSpec &before = loop.region(fb::RegionRole::Before);
  before.addImport(0, real, 8);
  before.addImport(1, index, 8);
  before.yields = {import(0), import(0), import(1)};
  RegionSpec &after = loop.region(fb::RegionRole::After);
  after.addImport(0x80000000u, real, 8);
  after.addImport(0x80000001u, index, 8);
  BlockSpec &h = after.add(fb::BlockKind::Task, "main/l/halve");
  h.kernel = halve;
  h.inputs = {import(0), import(1)};
  h.outputs = {real, index};
  h.outputBytes = {8, 8};
  after.yields = {output(0, 0), output(0, 1)};
  BlockSpec &e = p.body.add(fb::BlockKind::Task, "main/empty");
  e.kernel = empty;
  e.outputs = {list};
  BlockSpec &f = p.body.add(fb::BlockKind::Fanout, "main/f");
  f.inputs = {output(0, 1), output(1)};
  f.decideInputs = 1;
  f.outputs = {list};
  f.joinKernel = p.joinKernel(fb::Combine::Concat);
  RegionSpec &each = f.region(fb::RegionRole::Each);
  each.addImport(0x40000000u, index, 8);
  BlockSpec &q = each.add(fb::BlockKind::Task, "main/f/square");
  q.kernel = square;
  q.inputs = {import(0)};
  q.outputs = {list};
  each.yields = {output(0)};
  p.body.yields = {output(2)};

  FunctionExecutor executor;
  executor.functions[more] = [](auto in, auto out, auto) -> Expected<void> {
    out[0] = Tensor::scalar<uint8_t>(ElementKind::I1,
                                     in[0].template as<double>()[0] >= 1);
    return {};
  };
  executor.functions[halve] = [](auto in, auto out, auto) -> Expected<void> {
    out[0] = Tensor::scalar<double>(ElementKind::F64,
                                    in[0].template as<double>()[0] / 2);
    out[1] = Tensor::scalar<int64_t>(ElementKind::Index,
                                     in[1].template as<int64_t>()[0] + 1);
    return {};
  };
  executor.functions[empty] = [](auto, auto out, auto) -> Expected<void> {
    out[0] = Tensor::allocate(ElementKind::I64, {0});
    return {};
  };
  executor.functions[square] = [](auto in, auto out, auto) -> Expected<void> {
    int64_t i = in[0].template as<int64_t>()[0];
    out[0] = Tensor::allocate(ElementKind::I64, {1});
    out[0].template as<int64_t>()[0] = i * i;
    return {};
  };
  SimulationOptions options = functional("octopus", 3);
  options.scenario.tenants[0].inputs.resize(2);
  for (double x : {0.5, 5.0, 1000.0})
    options.scenario.tenants[0].inputs[0].items.push_back(
        Tensor::scalar<double>(ElementKind::F64, x));
  options.scenario.tenants[0].inputs[1].items = {
      Tensor::scalar<int64_t>(ElementKind::Index, 0)};
  RunResult r = run(p.build(), options, &executor);
  ASSERT_EQ(r.requestsCompleted, 3u);
  EXPECT_EQ(r.outputs[0][0].dim(0), 0);
  ASSERT_EQ(r.outputs[1][0].dim(0), 3);
  ASSERT_EQ(r.outputs[2][0].dim(0), 10);
  for (int64_t i = 0; i < 10; ++i)
    EXPECT_EQ(r.outputs[2][0].as<int64_t>()[i], i * i);
}

TEST(Functional, MissingCodeIsAnError) {
  TestProgram p;
  uint32_t type = p.type(fb::ElementKind::F32, {2});
  uint32_t kernel = p.imageKernel(1, 1, 10);
  p.body.addImport(0, type, 8);
  BlockSpec &t = p.body.add(fb::BlockKind::Task, "main/t");
  t.kernel = kernel;
  t.inputs = {import(0)};
  t.outputs = {type};
  p.body.yields = {output(0)};
  FunctionExecutor executor;
  const fb::Program &program = p.build();
  auto r = simulate(program, functional("static"), &executor);
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().message.find("--no-kernels"), std::string::npos);
  r = simulate(program, functional("static"));
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().message.find("timing-only"), std::string::npos);
  SimulationOptions wrong = functional("static");
  wrong.scenario.tenants[0].inputs.resize(1);
  wrong.scenario.tenants[0].inputs[0].items = {vector({1, 2, 3})};
  executor.functions[kernel] = nullptr;
  r = simulate(program, wrong, &executor);
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().message.find("f32[3], expected f32[2]"),
            std::string::npos)
      << r.error().message;
}

TEST(Functional, SeededWeights) {
  TestProgram p;
  uint32_t type = p.type(fb::ElementKind::F32, {6});
  uint32_t w = p.seededWeight(type, 24, 7);
  p.program.weights->scale[0] = 0.5;
  auto tensor = loadWeight(p.build(), w, "");
  ASSERT_TRUE(tensor);
  // Words of Philox4x32-10, counter 0 and 1, key 7.
  for (int i = 0; i < 6; ++i) {
    float x = tensor->as<float>()[i];
    EXPECT_GE(x, -0.5f);
    EXPECT_LT(x, 0.5f);
    EXPECT_EQ(std::ldexp(x, 24), std::floor(std::ldexp(x, 24)));
  }
  EXPECT_NE(tensor->as<float>()[0], tensor->as<float>()[4]);
}

/// Weights in files: where they begin, and what may be wrong with them.
TEST(Functional, FileWeights) {
  std::ofstream(testing::TempDir() + "octo_weights.bin", std::ios::binary)
      << std::string_view("skip\0\0\x80\x3f\0\0\0\x40", 12);
  std::string right = sha256Hex(std::string_view("\0\0\x80\x3f\0\0\0\x40", 8));
  std::string wrong(64, 'f');
  auto load = [&](uint64_t offset, const std::string &digest,
                  const std::string &folder) {
    TestProgram p;
    uint32_t w = p.seededWeight(p.type(fb::ElementKind::F32, {2}), 8, 0);
    fb::WeightTableT &table = *p.program.weights;
    table.source[w] = fb::WeightSource::File;
    table.path[w] = p.string("octo_weights.bin");
    table.digest[w] = p.string(digest);
    table.data_offset[w] = offset;
    return loadWeight(p.build(), w, folder);
  };
  auto expectError = [](const Expected<Tensor> &weight,
                        const std::string &message) {
    ASSERT_FALSE(weight);
    EXPECT_NE(weight.error().message.find(message), std::string::npos)
        << weight.error().message;
  };
  Expected<Tensor> weight = load(4, right, testing::TempDir());
  ASSERT_TRUE(weight) << weight.error().message;
  EXPECT_EQ(weight->as<float>()[0], 1.0f);
  EXPECT_EQ(weight->as<float>()[1], 2.0f);
  expectError(load(4, wrong, testing::TempDir()),
              "the SHA-256 of weight 'weight0' is " + right +
                  ", the program was compiled with " + wrong +
                  ": use the same file, or compile again");
  expectError(load(6, right, testing::TempDir()),
              "needs 8 bytes from offset 6, the file has 6 there");
  expectError(load(4, right, "/nonexistent"),
              "cannot open the file of weight 'weight0'");
}

/// Copies whose results do not fit together fail their request, not the run.
TEST(Functional, JoinOfUnequalSizesFailsTheRequest) {
  TestProgram p(1, 1, 2, 2);
  uint32_t any = p.type(fb::ElementKind::F32, {-1});
  uint32_t index = p.type(fb::ElementKind::Index, {}, true);
  uint32_t grow = p.imageKernel(1, 1, 10);
  uint32_t join = p.joinKernel(fb::Combine::Add);
  p.body.addImport(0, index, 8);
  p.body.addImport(1, any, 4);
  BlockSpec &f = p.body.add(fb::BlockKind::Fanout, "main/f");
  f.inputs = {import(0), import(1)};
  f.decideInputs = 1;
  f.joinKernel = join;
  f.outputs = {any};
  f.outputBytes = {4};
  RegionSpec &each = f.region(fb::RegionRole::Each);
  each.addImport(0x40000000, index, 8);
  BlockSpec &t = each.add(fb::BlockKind::Task, "main/f/t");
  t.kernel = grow;
  t.inputs = {import(0)};
  t.outputs = {any};
  t.outputBytes = {4};
  each.yields = {output(0)};
  p.body.yields = {output(0)};
  FunctionExecutor executor;
  executor.functions[grow] = [](auto in, auto out, auto) -> Expected<void> {
    out[0] = Tensor::allocate(ElementKind::F32,
                              {in[0].template as<int64_t>()[0] + 1});
    return {};
  };
  SimulationOptions options = functional("static", 2);
  options.scenario.tenants[0].inputs.resize(2);
  options.scenario.tenants[0].inputs[0].items = {
      Tensor::scalar<int64_t>(ElementKind::Index, 1),
      Tensor::scalar<int64_t>(ElementKind::Index, 2)};
  options.scenario.tenants[0].inputs[1].items = {vector({0})};
  RunResult r = run(p.build(), options, &executor);
  EXPECT_EQ(r.requestsCompleted, 1u);
  ASSERT_EQ(r.failures.size(), 1u);
  EXPECT_EQ(r.failures[0].path, "main/f");
  EXPECT_EQ(r.failures[0].reason,
            "a join combines sizes [1] and [2], which differ");
}

TEST(Joins, ElementKinds) {
  Tensor a = vector({1, -2, NAN}), b = vector({-0.0f, 5, 1});
  Tensor init = vector({0, 0, 0});
  Tensor parts[] = {a, b};
  auto sum = combineTensors(CombineKind::Add, init, parts);
  ASSERT_TRUE(sum);
  EXPECT_EQ(sum->as<float>()[0], 1.0f);
  EXPECT_EQ(sum->as<float>()[1], 3.0f);
  auto most = combineTensors(CombineKind::Max, init, parts);
  EXPECT_EQ(most->as<float>()[1], 5.0f);
  EXPECT_TRUE(std::isnan(most->as<float>()[2]));
  auto least = combineTensors(CombineKind::Min, vector({0, 1, 2}), {&b, 1});
  EXPECT_TRUE(std::signbit(least->as<float>()[0]));
  auto all = combineTensors(CombineKind::Concat, vector({}), parts);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->dim(0), 6);
  EXPECT_EQ(all->as<float>()[4], 5.0f);

  Tensor half = Tensor::allocate(ElementKind::F16, {1});
  setElement(half, 0, 1.5);
  Tensor brain = Tensor::allocate(ElementKind::BF16, {1});
  setElement(brain, 0, 1.5);
  auto halves = combineTensors(CombineKind::Add, half, {&half, 1});
  EXPECT_EQ(halves->as<uint16_t>()[0], 0x4200);
  auto brains = combineTensors(CombineKind::Add, brain, {&brain, 1});
  EXPECT_EQ(brains->as<uint16_t>()[0], 0x4040);

  Tensor byte = Tensor::allocate(ElementKind::I8, {1});
  byte.as<int8_t>()[0] = 100;
  auto wrapped = combineTensors(CombineKind::Add, byte, {&byte, 1});
  EXPECT_EQ(wrapped->as<int8_t>()[0], int8_t(-56));

  auto bad = combineTensors(CombineKind::Add, vector({1}), parts);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message,
            "a join combines sizes [1] and [3], which differ");
  bad = combineTensors(CombineKind::Concat,
                       Tensor::scalar<float>(ElementKind::F32, 1), parts);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message, "a join cannot concatenate values of rank 0");
  bad = combineTensors(CombineKind::Concat,
                       Tensor::allocate(ElementKind::F32, {0, 2}), parts);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message,
            "a join concatenates sizes [0, 2] and [3], which differ beyond the "
            "first dimension");
}

} // namespace
