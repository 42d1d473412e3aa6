//===- ProfileJson.cpp - What a run did, for the compiler -----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReportWords.h"
#include "octo/Runtime/Report.h"

#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"

#include <nlohmann/json.hpp>

using namespace octo;
using namespace octo::report;
using Json = nlohmann::ordered_json;

static bool isTask(const fb::Program &program, uint32_t workflow,
                   uint32_t block) {
  return program.workflows()->Get(workflow)->blocks()->kind()->Get(block) ==
         fb::BlockKind::Task;
}

/// What the work of the kernel of a task depends on.
static Json symbolNames(const fb::Program &program, uint32_t kernel) {
  Json names = Json::array();
  for (uint32_t symbol : workSymbols(*program.kernels(), kernel))
    names.push_back(
        symbol >> 31
            ? fmt::format("counter {}", symbol & 0x7fffffff)
            : fmt::format("dim {} of input {}", symbol & 255, symbol >> 8));
  return names;
}

/// Records name blocks by their position in this list, and give the values of
/// symbols in the order in which the block lists them.
static Json profiledBlocks(const RunResult &result,
                           const fb::Program &program) {
  Json blocks = Json::array();
  for (const BlockStatistics &block : result.blocks) {
    const fb::Workflow &workflow = *program.workflows()->Get(block.workflow);
    Json entry = {{"workflow", workflow.name()->str()},
                  {"path", pathOf(program, block.workflow, block.block)},
                  {"kind", kindName(workflow, block.block)}};
    if (const auto *kernels = workflow.blocks()->kernel();
        kernels && isTask(program, block.workflow, block.block))
      if (Json names = symbolNames(program, kernels->Get(block.block));
          !names.empty())
        entry["symbols"] = std::move(names);
    blocks.push_back(std::move(entry));
  }
  return blocks;
}

/// One record a line; the block is that of the list, or -1 - w for the
/// arguments of workflow w. `sizes` are bytes of outputs of varying size, or
/// the rest of the mask of a select; `symbols` is absent where the value was
/// not worked out from them.
static std::string recordLines(const RunResult &result,
                               const fb::Program &program) {
  constexpr uint32_t noBlock = 0xffffffffu;
  // The blocks of workflow w begin at offsets[w].
  std::vector<uint32_t> offsets;
  uint32_t offset = 0;
  for (const fb::Workflow *workflow : *program.workflows()) {
    offsets.push_back(offset);
    offset += workflow->blocks()->kind()->size();
  }
  auto completed = [&](uint64_t request) {
    if (request >= result.requests.size())
      return true;
    const RequestRecord &record = result.requests[request];
    return !record.failed && record.finished != ~uint64_t(0);
  };
  auto list = [&](uint64_t begin, uint64_t end) {
    return fmt::format("[{}]",
                       fmt::join(result.outcomeDetails.begin() + begin,
                                 result.outcomeDetails.begin() + end, ","));
  };
  std::string text;
  for (const OutcomeRecord &record : result.outcomes) {
    // What a request that failed or is open did says nothing of a whole one.
    if (!completed(record.request))
      continue;
    int64_t block = record.block == noBlock
                        ? -1 - int64_t(record.workflow)
                        : int64_t(offsets[record.workflow] + record.block);
    text += fmt::format("{}\n  [{},{},\"{:016x}\",{}", text.empty() ? "" : ",",
                        record.request, block, record.tag, record.value);
    bool worked = record.block != noBlock && !record.drawn &&
                  isTask(program, record.workflow, record.block);
    if (worked || record.symbols != record.sizes)
      text += "," + list(record.sizes, record.symbols);
    if (worked)
      text += "," + list(record.symbols, record.detailEnd);
    text += "]";
  }
  return text;
}

std::string octo::formatProfileJson(const RunResult &result,
                                    const fb::Program &program) {
  Json json;
  json["schema_version"] = resultSchemaVersion;
  json["kind"] = "octopus-profile";
  json["seed"] = result.seed;
  json["requests"] = result.requestsArrived;
  json["machine"] = program.machine()->name()->str();
  json["blocks"] = profiledBlocks(result, program);
  // The document goes on where its last brace was, for records in a line each.
  std::string text = json.dump(1, ' ', false, Json::error_handler_t::replace);
  text.resize(text.size() - std::string_view("\n}").size());
  text += ",\n \"record_fields\": [\"request\", \"block\", \"tag\", \"value\", "
          "\"sizes\", \"symbols\"],\n \"records\": [";
  return text + recordLines(result, program) + "\n ]\n}\n";
}
