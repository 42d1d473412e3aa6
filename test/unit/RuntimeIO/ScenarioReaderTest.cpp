//===- ScenarioReaderTest.cpp - Tests of scenario files -------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every key, and every message of the reader with its line and column.
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/ScenarioReader.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <string>

using namespace octo;

namespace {

std::vector<WorkflowSignature> signatures() {
  WorkflowSignature first;
  first.name = "triage";
  first.arguments = {
      {"image", ElementKind::F32, false, {2, 3}},
      {"count", ElementKind::Index, true, {}},
      {"tokens", ElementKind::I32, false, {-1}},
  };
  WorkflowSignature second;
  second.name = "refine";
  return {first, second};
}

Expected<Scenario> parse(const std::string &text,
                         const std::string &folder = "") {
  static const std::vector<WorkflowSignature> workflows = signatures();
  return parseScenario(text, "s.yaml", folder, workflows);
}

std::string messageOf(const std::string &text, const std::string &folder = "") {
  Expected<Scenario> scenario = parse(text, folder);
  return scenario ? "no error" : scenario.error().str();
}

Tensor iota(ElementKind kind, std::vector<int64_t> dims) {
  Tensor tensor = Tensor::allocate(kind, std::move(dims));
  for (int64_t i = 0; i < tensor.numElements(); ++i)
    switch (kind) {
    case ElementKind::F32:
      tensor.as<float>()[i] = float(i);
      break;
    case ElementKind::I32:
      tensor.as<int32_t>()[i] = int32_t(i);
      break;
    default:
      tensor.as<int64_t>()[i] = i;
    }
  return tensor;
}

TEST(ScenarioReader, SmallestIsOneTenant) {
  Expected<Scenario> scenario = parse("requests: 3\n");
  ASSERT_TRUE(scenario) << scenario.error().str();
  EXPECT_EQ(scenario->requests, 3u);
  ASSERT_EQ(scenario->tenants.size(), 1u);
  EXPECT_EQ(scenario->tenants[0].name, "triage");
  EXPECT_EQ(scenario->tenants[0].arrivals.kind, Arrivals::Kind::ClosedLoop);
  EXPECT_EQ(scenario->tenants[0].arrivals.inFlight, 0u);
}

TEST(ScenarioReader, Everything) {
  Expected<Scenario> scenario = parse(R"(
name: both
requests: 100
seed: 18446744073709551615
warm_up: 10
drift_offset: 5
stop: {max_cycles: 1000, max_events: 2000}
tenants:
  - name: open
    workflow: triage
    weight: 3
    arrivals: {poisson: {mean_gap_cycles: 250}}
    inputs:
      image: {uniform: [-1.5, 2]}
      tokens: {dims: [9], uniform: [0, 100]}
  - workflow: refine
    requests: 7
    arrivals: {trace: {cycles: [0, 4, 4, 9]}}
  - arrivals: {closed_loop: {in_flight: 8}}
)");
  ASSERT_TRUE(scenario) << scenario.error().str();
  EXPECT_EQ(scenario->name, "both");
  EXPECT_EQ(scenario->seed, ~uint64_t(0));
  EXPECT_EQ(scenario->warmUpRequests, 10u);
  EXPECT_EQ(scenario->driftOffset, 5u);
  EXPECT_EQ(scenario->stop.maxCycles, 1000u);
  EXPECT_EQ(scenario->stop.maxEvents, 2000u);
  ASSERT_EQ(scenario->tenants.size(), 3u);
  const Tenant &open = scenario->tenants[0];
  EXPECT_EQ(open.name, "open");
  EXPECT_EQ(open.weight, 3u);
  EXPECT_EQ(open.arrivals.kind, Arrivals::Kind::Poisson);
  EXPECT_EQ(open.arrivals.meanGapCycles, 250u);
  ASSERT_EQ(open.inputs.size(), 3u);
  EXPECT_EQ(open.inputs[0].low, -1.5);
  EXPECT_EQ(open.inputs[0].high, 2.0);
  EXPECT_EQ(open.inputs[1].high, 1.0);
  EXPECT_EQ(open.inputs[2].dynamicDims, std::vector<int64_t>{9});
  const Tenant &trace = scenario->tenants[1];
  EXPECT_EQ(trace.workflow, 1u);
  EXPECT_EQ(trace.name, "tenant1");
  EXPECT_EQ(trace.requests, 7u);
  EXPECT_EQ(trace.arrivals.trace, (std::vector<uint64_t>{0, 4, 4, 9}));
  EXPECT_EQ(scenario->tenants[2].arrivals.inFlight, 8u);
}

TEST(ScenarioReader, ReadsArraysAndTraces) {
  std::string folder = testing::TempDir();
  std::vector<NamedTensor> arrays = {
      {"image", iota(ElementKind::F32, {4, 2, 3})},
      {"n", iota(ElementKind::I64, {})}};
  ASSERT_TRUE(writeNpz(folder + "octo_in.npz", arrays));
  std::ofstream(folder + "octo_tokens.npy", std::ios::binary)
      << formatNpy(iota(ElementKind::I32, {5}));
  std::ofstream(folder + "octo_trace.csv")
      << "arrival, tokens\n1, 17\n# a comment\n\n2 # two\n2,5\n30\n";
  Expected<Scenario> scenario = parse(R"(
requests: 4
arrivals: {trace: {file: octo_trace.csv, cycles_per_unit: 100}}
inputs:
  image: {file: octo_in.npz}
  count: {file: octo_in.npz, entry: n}
  tokens: {file: octo_tokens.npy}
)",
                                      folder);
  ASSERT_TRUE(scenario) << scenario.error().str();
  const Tenant &tenant = scenario->tenants[0];
  EXPECT_EQ(tenant.arrivals.trace,
            (std::vector<uint64_t>{100, 200, 200, 3000}));
  ASSERT_EQ(tenant.inputs[0].items.size(), 4u);
  const Tensor &third = tenant.inputs[0].items[2];
  EXPECT_EQ(third.rank(), 2u);
  EXPECT_EQ(third.as<float>()[1], 13.0f);
  ASSERT_EQ(tenant.inputs[1].items.size(), 1u);
  EXPECT_EQ(tenant.inputs[1].items[0].kind(), ElementKind::Index);
  EXPECT_TRUE(tenant.inputs[1].items[0].isScalar());
  ASSERT_EQ(tenant.inputs[2].items.size(), 1u);
  EXPECT_EQ(tenant.inputs[2].items[0].dim(0), 5);
}

TEST(ScenarioReader, Errors) {
  struct Case {
    const char *text;
    const char *message;
  };
  for (
      const Case &test : {
          Case{"", "s.yaml:1:1: error: expected one YAML document, found "
                   "nothing"},
          {"requests: [\n", "s.yaml:2:1: error: malformed YAML: end of "
                            "sequence flow not found"},
          {"requets: 3\n", "s.yaml:1:1: error: unknown key `requets`; did you "
                           "mean `requests`?"},
          {"requests: 0\n",
           "s.yaml:1:11: error: `requests`: expected an integer from 1 to "
           "1099511627776, found `0`"},
          {"seed: -1\n", "s.yaml:1:7: error: `seed`: expected an integer of at "
                         "least 0, found `-1`"},
          {"requests: 4\nwarm_up: 4\n",
           "s.yaml:2:10: error: `warm_up`: all 4 requests would be warm-up; "
           "raise `requests`"},
          {"workflow: triag\n",
           "s.yaml:1:11: error: `workflow`: expected `triage` or `refine`, "
           "found `triag`; did you mean `triage`?"},
          {"tenants:\n  - {}\narrivals: {closed_loop: {in_flight: 1}}\n",
           "s.yaml:3:11: error: `arrivals`: belongs into each of the `tenants` "
           "when there are any"},
          {"tenants:\n  - {requests: 1, weight: 2}\n",
           "s.yaml:2:27: error: `tenants[0].weight`: a tenant with `requests` "
           "of its own takes no `weight`"},
          {"arrivals: {}\n",
           "s.yaml:1:11: error: `arrivals`: expected exactly one of "
           "`closed_loop`, `poisson` and `trace`"},
          {"arrivals: {trace: {cycles: [3, 2]}}\n",
           "s.yaml:1:32: error: `arrivals.trace.cycles[1]`: arrivals must "
           "ascend"},
          {"arrivals: {trace: {}}\n",
           "s.yaml:1:19: error: `arrivals.trace`: expected either `cycles`, a "
           "list, or `file`"},
          {"arrivals: {trace: {cycles: [1], cycles_per_unit: 2}}\n",
           "s.yaml:1:50: error: `arrivals.trace.cycles_per_unit`: belongs to a "
           "trace `file`; `cycles` are cycles"},
          {"arrivals: {trace: {file: no_such_file.csv}}\n",
           "s.yaml:1:26: error: `arrivals.trace.file`: cannot open the trace "
           "no_such_file.csv: No such file or directory"},
          {"inputs: {imag: {}}\n",
           "s.yaml:1:10: error: `inputs`: unknown key `imag`; did you mean "
           "`image`?"},
          {"inputs: {image: {uniform: [2, 1]}}\n",
           "s.yaml:1:27: error: `inputs.image.uniform`: the lower end comes "
           "first"},
          {"inputs: {image: {file: a.npy, dims: []}}\n",
           "s.yaml:1:17: error: `inputs.image`: an argument is read from a "
           "`file` or drawn (`uniform`, `dims`), not both"},
          {"inputs: {image: {entry: a}}\n",
           "s.yaml:1:25: error: `inputs.image.entry`: names an array of an "
           ".npz `file`, which is missing"},
          {"inputs: {image: {file: a.txt}}\n",
           "s.yaml:1:24: error: `inputs.image.file`: expected the path of an "
           ".npy or .npz file"},
          {"inputs: {image: {file: a.npy, entry: b}}\n",
           "s.yaml:1:38: error: `inputs.image.entry`: names an array of an "
           ".npz file; this is none"},
          {"inputs: {image: {file: no_such_file.npy}}\n",
           "s.yaml:1:24: error: `inputs.image.file`: no_such_file.npy: error: "
           "cannot be opened: No such file or directory"},
          {"inputs: {tokens: {uniform: [0, 9]}}\n",
           "s.yaml:1:18: error: `inputs.tokens`: tensor<?xi32> has 1 dimension "
           "known only at run time; give it with `dims: [...]` or a `file`"},
          {"inputs: {image: {dims: [3]}}\n",
           "s.yaml:1:24: error: `inputs.image.dims`: tensor<2x3xf32> has 0 "
           "dimensions known only at run time, found 1 size"},
      })
    EXPECT_EQ(messageOf(test.text), test.message) << test.text;
}

TEST(ScenarioReader, FilesThatCannotBeRead) {
  for (const auto &[path, reason] :
       {std::pair<std::string, std::string>{"/nonexistent/s.yaml",
                                            "No such file or directory"},
        {testing::TempDir(), ""}}) {
    Expected<Scenario> scenario = readScenario(path, signatures());
    ASSERT_FALSE(scenario);
    EXPECT_NE(scenario.error().str().find(path +
                                          ": error: cannot be read: " + reason),
              std::string::npos)
        << scenario.error().str();
  }
  // Devices may have no end.
  Expected<Scenario> scenario = readScenario("/dev/zero", signatures());
  ASSERT_FALSE(scenario);
  EXPECT_EQ(scenario.error().str(), "/dev/zero: error: the file has over "
                                    "268435456 bytes; a scenario has no more");
  EXPECT_EQ(messageOf("arrivals: {trace: {file: /dev/zero}}"),
            "s.yaml:1:26: error: `arrivals.trace.file`: the trace /dev/zero is "
            "no regular file");
}

TEST(ScenarioReader, NamesOfInputs) {
  std::vector<NamedTensor> one = {{"x", iota(ElementKind::F32, {2})}};
  Expected<std::vector<ArgumentInput>> bound =
      bindInputs(one, signatures()[1], "in.npz");
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().str(), "in.npz: error: workflow `refine` takes no "
                                 "arguments, so `x` cannot be one");
  std::string path = testing::TempDir() + "octo_scenario_arrays.npz";
  std::vector<NamedTensor> arrays = {{"other", iota(ElementKind::F32, {2, 3})}};
  ASSERT_TRUE(writeNpz(path, arrays));
  std::string message = messageOf("workflow: triage\ninputs: "
                                  "{image: {file: " +
                                  path + "}}\n");
  EXPECT_NE(message.find("has no array `image`; it has `other`"),
            std::string::npos)
      << message;
}

TEST(ScenarioReader, TraceFileErrorsNameTheLine) {
  std::string folder = testing::TempDir();
  auto message = [&](const char *content) {
    std::ofstream(folder + "octo_bad.csv") << content;
    std::string text =
        messageOf("arrivals: {trace: {file: octo_bad.csv}}\n", folder);
    size_t at = text.find("octo_bad.csv");
    return at == std::string::npos ? text : text.substr(at);
  };
  EXPECT_EQ(message("1\n2.5\n"),
            "octo_bad.csv:2:1: error: expected an arrival from 0 to "
            "4611686018427387904 (an integer), found `2.5`");
  EXPECT_EQ(message("5\n4\n"),
            "octo_bad.csv:2:1: error: arrivals must ascend: 4 follows 5");
  EXPECT_EQ(message("# nothing\n"), "octo_bad.csv has no arrivals");
}

// Whatever the text, the reader ends with a scenario or a message.
TEST(ScenarioReader, MutationsNeverCrash) {
  const std::string whole = "name: both\nrequests: 100\nstop: {max_cycles: 9}\n"
                            "tenants:\n  - name: open\n    weight: 3\n"
                            "    arrivals: {poisson: {mean_gap_cycles: 250}}\n"
                            "    inputs: {image: {uniform: [-1.5, 2]}}\n"
                            "  - arrivals: {trace: {cycles: [0, 4, 9]}}\n";
  std::mt19937 random(1);
  unsigned errors = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string text = whole;
    for (unsigned k = 1 + random() % 4; k; --k) {
      size_t at = random() % text.size();
      switch (random() % 3) {
      case 0:
        text[at] = char(random() % 256);
        break;
      case 1:
        text.erase(at, random() % 8);
        break;
      default:
        text.insert(at, text.substr(random() % text.size(), random() % 8));
      }
    }
    Expected<Scenario> scenario = parse(text);
    errors += !scenario;
    if (!scenario)
      EXPECT_FALSE(scenario.error().message.empty());
  }
  EXPECT_GT(errors, 1000u);
  EXPECT_FALSE(parse(std::string(100000, '[')));
}

TEST(Inputs, ShapesAndKinds) {
  ValueSignature argument{"image", ElementKind::F32, false, {2, 3}};
  auto message = [&](const Tensor &array) {
    Expected<std::vector<Tensor>> items = splitItems(array, argument, "a.npy");
    return items ? "no error" : items.error().str();
  };
  EXPECT_EQ(message(iota(ElementKind::F32, {2, 3})), "no error");
  EXPECT_EQ(message(iota(ElementKind::F32, {7, 2, 3})), "no error");
  EXPECT_EQ(message(iota(ElementKind::I32, {2, 3})),
            "a.npy: error: argument `image` is tensor<2x3xf32>, the array has "
            "elements of type i32; convert it with array.astype(...) before "
            "saving");
  EXPECT_EQ(
      message(iota(ElementKind::F32, {3, 2})),
      "a.npy: error: argument `image` is tensor<2x3xf32>, the array has "
      "shape (3, 2); needed is (2, 3) for all requests or (n, 2, 3) for n "
      "requests");
  EXPECT_EQ(message(iota(ElementKind::F32, {0, 2, 3})),
            "a.npy: error: argument `image`: the array has no items");
  // Items of no bytes are not made as often as a file of a hundred bytes says.
  argument = {"tokens", ElementKind::F32, false, {-1}};
  EXPECT_EQ(message(iota(ElementKind::F32, {1 << 20, 0})), "no error");
  EXPECT_EQ(message(iota(ElementKind::F32, {1000000000000000, 0})),
            "a.npy: error: argument `tokens`: the array has 1000000000000000 "
            "items without elements, the most is 1048576; save it with a "
            "smaller first dimension");
  argument = {"blob", ElementKind::Data, false, {}};
  EXPECT_EQ(message(iota(ElementKind::F32, {2})),
            "a.npy: error: argument `blob` has type !owg.data: it has a size "
            "and no content, so it takes no array");
}

TEST(Inputs, FilesForAllArguments) {
  std::string folder = testing::TempDir();
  WorkflowSignature workflow;
  workflow.name = "w";
  workflow.arguments = {{"a", ElementKind::F32, false, {2}},
                        {"b", ElementKind::F32, false, {2}}};
  std::string a = folder + "octo_a.npy", b = folder + "octo_b.npy";
  std::ofstream(a, std::ios::binary) << formatNpy(iota(ElementKind::F32, {2}));
  std::ofstream(b, std::ios::binary)
      << formatNpy(iota(ElementKind::F32, {3, 2}));
  auto read = [&](std::vector<std::string> files) {
    return readInputs(files, workflow);
  };
  Expected<std::vector<ArgumentInput>> inputs = read({a, b});
  ASSERT_TRUE(inputs) << inputs.error().str();
  EXPECT_EQ((*inputs)[0].items.size(), 1u);
  EXPECT_EQ((*inputs)[1].items.size(), 3u);
  inputs = read({"b=" + a, "a=" + b});
  ASSERT_TRUE(inputs) << inputs.error().str();
  EXPECT_EQ((*inputs)[0].items.size(), 3u);

  inputs = read({a});
  ASSERT_FALSE(inputs);
  EXPECT_EQ(inputs.error().message,
            "argument `b` (tensor<2xf32>) of workflow `w` is not given");
  inputs = read({a, b, a});
  ASSERT_FALSE(inputs);
  EXPECT_EQ(inputs.error().message,
            "there are more files than workflow `w` has arguments (2)");
  inputs = read({"a=" + a, "a=" + b});
  ASSERT_FALSE(inputs);
  EXPECT_EQ(inputs.error().message, "argument `a` is given twice");
  inputs = read({"x=" + a, "b=" + b});
  ASSERT_FALSE(inputs);
  EXPECT_EQ(inputs.error().message, "workflow `w` has no argument `x` (its "
                                    "arguments are `a` or `b`); did you mean "
                                    "`a`?");
  inputs = read({"a=octo.txt"});
  ASSERT_FALSE(inputs);
  EXPECT_EQ(inputs.error().message, "inputs are .npy or .npz files");
}

} // namespace
