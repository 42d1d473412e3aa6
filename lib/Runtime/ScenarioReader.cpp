//===- ScenarioReader.cpp - Scenario files and inputs ---------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The reader of scenarios. docs/scenarios.md is the manual of the format.
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/ScenarioReader.h"

#include "octo/Program/Columns.h"
#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"
#include "octo/Support/YamlReader.h"
#include "octo/Target/PartReader.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <system_error>

using namespace octo;

std::string ValueSignature::typeText() const {
  std::string element(stringifyElementKind(kind));
  if (kind == ElementKind::Data || kind == ElementKind::Token)
    return "!owg." + element;
  if (scalar)
    return element;
  std::string text = "tensor<";
  for (int64_t size : dims)
    text += (size < 0 ? std::string("?") : std::to_string(size)) + "x";
  return text + element + ">";
}

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//

namespace {

ValueSignature valueOf(const fb::Program &program, uint32_t type,
                       std::string name) {
  const fb::TypeTable &types = *program.types();
  ValueSignature value;
  value.name = std::move(name);
  value.kind = static_cast<ElementKind>(types.element()->Get(type));
  value.scalar = types.scalar()->Get(type);
  for (uint32_t i = types.dim_offsets()->Get(type);
       i < types.dim_offsets()->Get(type + 1); ++i)
    value.dims.push_back(types.dims()->Get(i));
  return value;
}

} // namespace

std::vector<WorkflowSignature> octo::signaturesOf(const fb::Program &program) {
  std::vector<WorkflowSignature> signatures;
  for (const fb::Workflow *workflow : *program.workflows()) {
    WorkflowSignature signature;
    signature.name = workflow->name()->str();
    const fb::RegionTable &regions = *workflow->regions();
    uint32_t first = regions.value_begin()->Get(0);
    uint32_t numImports = regions.num_imports()->Get(0);
    // Import k of the body is the argument that its pool entry names.
    uint32_t begin = regions.import_offsets()->Get(0);
    signature.arguments.resize(sizeOf(workflow->argument_names()));
    for (uint32_t k = 0; k < numImports; ++k) {
      uint32_t argument = regions.imports()->Get(begin + k);
      if (argument >= signature.arguments.size())
        signature.arguments.resize(argument + 1);
      std::string name;
      if (const auto *names = workflow->argument_names();
          names && argument < names->size())
        name = stringAt(program, names->Get(argument));
      if (name.empty())
        name = fmt::format("arg{}", argument);
      signature.arguments[argument] =
          valueOf(program, workflow->values()->type()->Get(first + k), name);
    }
    if (workflow->result_types())
      for (uint32_t k = 0; k < workflow->result_types()->size(); ++k) {
        std::string name;
        if (const auto *names = workflow->result_names();
            names && k < names->size())
          name = stringAt(program, names->Get(k));
        if (name.empty())
          name = fmt::format("result{}", k);
        signature.results.push_back(
            valueOf(program, workflow->result_types()->Get(k), name));
      }
    signatures.push_back(std::move(signature));
  }
  return signatures;
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

namespace {

/// True if elements of kind `from` may stand for those of an argument.
bool sameElements(ElementKind from, ElementKind argument) {
  auto plain = [](ElementKind kind) {
    return kind == ElementKind::Index ? ElementKind::I64 : kind;
  };
  return plain(from) == plain(argument);
}

bool fits(std::span<const int64_t> dims, std::span<const int64_t> wanted) {
  if (dims.size() != wanted.size())
    return false;
  for (size_t i = 0; i < dims.size(); ++i)
    if (wanted[i] >= 0 && wanted[i] != dims[i])
      return false;
  return true;
}

std::string shapeText(std::span<const int64_t> dims, const char *front = "") {
  std::string text = fmt::format("({}", front);
  bool first = !*front;
  for (int64_t size : dims) {
    text += fmt::format("{}{}", first ? "" : ", ",
                        size < 0 ? std::string("any") : std::to_string(size));
    first = false;
  }
  return text + ")";
}

template <class Range, class Projection>
std::vector<std::string_view> namesOf(const Range &range,
                                      Projection projection) {
  std::vector<std::string_view> names;
  for (const auto &element : range)
    names.push_back(projection(element));
  return names;
}

std::vector<std::string_view> argumentNames(const WorkflowSignature &workflow) {
  return namesOf(workflow.arguments, [](const ValueSignature &v) {
    return std::string_view(v.name);
  });
}

/// The number of the argument called `name`, or an error with a hint.
Expected<size_t> findArgument(const WorkflowSignature &workflow,
                              std::string_view name, std::string_view place) {
  for (size_t i = 0; i < workflow.arguments.size(); ++i)
    if (workflow.arguments[i].name == name)
      return i;
  std::vector<std::string_view> names = argumentNames(workflow);
  if (names.empty())
    return makeFileError(place,
                         "workflow `{}` takes no arguments, so `{}` "
                         "cannot be one",
                         workflow.name, name);
  return makeFileError(place,
                       "workflow `{}` has no argument `{}` (its arguments are "
                       "{}){}",
                       workflow.name, name, yaml::listNames(names),
                       yaml::didYouMean(name, names));
}

} // namespace

Expected<std::vector<Tensor>> octo::splitItems(const Tensor &array,
                                               const ValueSignature &argument,
                                               std::string_view place) {
  if (argument.kind == ElementKind::Data || argument.kind == ElementKind::Token)
    return makeFileError(place,
                         "argument `{}` has type {}: it has a size and no "
                         "content, so it takes no array",
                         argument.name, argument.typeText());
  if (!sameElements(array.kind(), argument.kind))
    return makeFileError(place,
                         "argument `{}` is {}, the array has elements of type "
                         "{}; convert it with array.astype(...) before saving",
                         argument.name, argument.typeText(),
                         stringifyElementKind(array.kind()));
  auto owner = array.ownership();
  // The runtime may overwrite an input that nobody shares, so an item keeps the
  // whole array alive.
  auto item = [&](std::vector<int64_t> dims, size_t offset) {
    auto *from = static_cast<std::byte *>(const_cast<void *>(array.data()));
    size_t bytes = elementBytes(argument.kind);
    for (int64_t size : dims)
      bytes *= size_t(size);
    if (offset % 64 == 0)
      return Tensor::adopt(argument.kind, std::move(dims), argument.scalar,
                           owner, from + offset);
    Tensor copy =
        Tensor::allocate(argument.kind, std::move(dims), argument.scalar);
    if (bytes)
      std::memcpy(copy.data(), from + offset, bytes);
    return copy;
  };

  std::vector<Tensor> items;
  std::vector<int64_t> dims(array.dims().begin(), array.dims().end());
  if (fits(dims, argument.dims)) {
    items.push_back(item(dims, 0));
    return items;
  }
  if (!dims.empty() && fits(std::span(dims).subspan(1), argument.dims)) {
    int64_t count = dims.front();
    if (count == 0)
      return makeFileError(place, "argument `{}`: the array has no items",
                           argument.name);
    // Items without elements take no bytes of the file, so its size does not
    // limit how many it claims.
    constexpr int64_t mostEmptyItems = 1 << 20;
    if (array.bytes() == 0 && count > mostEmptyItems)
      return makeFileError(
          place,
          "argument `{}`: the array has {} items without elements, the most "
          "is {}; save it with a smaller first dimension",
          argument.name, count, mostEmptyItems);
    dims.erase(dims.begin());
    size_t stride = array.bytes() / size_t(count);
    for (int64_t i = 0; i < count; ++i)
      items.push_back(item(dims, size_t(i) * stride));
    return items;
  }
  return makeFileError(
      place,
      "argument `{}` is {}, the array has shape {}; needed is {} for all "
      "requests or {} for {} requests",
      argument.name, argument.typeText(), shapeText(array.dims()),
      shapeText(argument.dims), shapeText(argument.dims, "n"), "n");
}

Expected<std::vector<ArgumentInput>>
octo::bindInputs(std::span<const NamedTensor> arrays,
                 const WorkflowSignature &workflow, std::string_view place) {
  std::vector<ArgumentInput> inputs(workflow.arguments.size());
  for (const auto &[name, array] : arrays) {
    Expected<size_t> index = findArgument(workflow, name, place);
    if (!index)
      return Error(index.error());
    if (!inputs[*index].items.empty())
      return makeFileError(place, "argument `{}` is given twice", name);
    Expected<std::vector<Tensor>> items =
        splitItems(array, workflow.arguments[*index], place);
    if (!items)
      return Error(items.error());
    inputs[*index].items = std::move(*items);
  }
  for (size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].items.empty())
      return makeFileError(place,
                           "argument `{}` ({}) of workflow `{}` is not "
                           "given",
                           workflow.arguments[i].name,
                           workflow.arguments[i].typeText(), workflow.name);
  return inputs;
}

Expected<std::vector<ArgumentInput>>
octo::readInputs(std::span<const std::string> files,
                 const WorkflowSignature &workflow) {
  std::vector<NamedTensor> arrays;
  std::string place;
  size_t next = 0;
  for (const std::string &text : files) {
    if (text.ends_with(".npz")) {
      Expected<std::vector<NamedTensor>> entries = readNpz(text);
      if (!entries)
        return Error(entries.error());
      std::move(entries->begin(), entries->end(), std::back_inserter(arrays));
    } else {
      std::string path = text, name;
      if (size_t equals = text.find('='); equals != std::string::npos) {
        name = text.substr(0, equals);
        path = text.substr(equals + 1);
      } else if (next < workflow.arguments.size()) {
        name = workflow.arguments[next].name;
      } else {
        return makeFileError(text,
                             "there are more files than workflow `{}` has "
                             "arguments ({})",
                             workflow.name, workflow.arguments.size());
      }
      ++next;
      if (!path.ends_with(".npy"))
        return makeFileError(path, "inputs are .npy or .npz files");
      Expected<Tensor> array = readNpy(path);
      if (!array)
        return Error(array.error());
      arrays.emplace_back(std::move(name), std::move(*array));
    }
    if (place.empty())
      place = text;
  }
  return bindInputs(arrays, workflow, place);
}

//===----------------------------------------------------------------------===//
// Scenarios
//===----------------------------------------------------------------------===//

namespace {

constexpr uint64_t maxCount = uint64_t(1) << 40;
constexpr uint64_t maxCycles = uint64_t(1) << 62;

class Reader {
public:
  Reader(std::string_view file, const std::string &folder,
         std::span<const WorkflowSignature> workflows)
      : file(file), folder(folder), workflows(workflows) {}

  Scenario scenario(const yaml::Value &root) {
    yaml::Map map =
        root.map({"name", "requests", "seed", "warm_up", "slo_cycles",
                  "drift_offset", "stop", "faults", "fault_detection_cycles",
                  "tenants", "workflow", "arrivals", "inputs"});
    Scenario result;
    if (auto value = map.find("name"))
      result.name = value->string();
    if (auto value = map.find("requests"))
      result.requests = value->integer(1, maxCount);
    if (auto value = map.find("seed"))
      result.seed = value->integer(0, UINT64_MAX);
    if (auto value = map.find("slo_cycles"))
      result.sloCycles = value->integer(1, maxCycles);
    if (auto value = map.find("warm_up"))
      result.warmUpRequests = value->integer(0, maxCount);
    if (auto value = map.find("drift_offset"))
      result.driftOffset = value->integer(0, maxCount);
    if (auto value = map.find("stop")) {
      yaml::Map stop = value->map({"max_cycles", "max_events"});
      if (auto limit = stop.find("max_cycles"))
        result.stop.maxCycles = limit->integer(1, maxCycles);
      if (auto limit = stop.find("max_events"))
        result.stop.maxEvents = limit->integer(1, maxCycles);
    }
    if (auto value = map.find("faults"))
      for (const yaml::Value &entry : value->list(0, 1u << 20))
        result.faults.push_back(fault(entry));
    if (auto value = map.find("fault_detection_cycles"))
      result.faultDetectionCycles = value->integer(1, uint64_t(1) << 32);
    if (auto value = map.find("tenants")) {
      for (const char *key : {"workflow", "arrivals", "inputs"})
        if (auto other = map.find(key))
          other->fail("belongs into each of the `tenants` when there are any");
      for (const yaml::Value &entry : value->list(1, 1u << 16)) {
        Tenant made = tenant(entry.map(
            {"name", "workflow", "requests", "weight", "arrivals", "inputs"}));
        if (made.name.empty())
          made.name = fmt::format("tenant{}", result.tenants.size());
        result.tenants.push_back(std::move(made));
      }
    } else {
      result.tenants.push_back(tenant(map, /*top=*/true));
      result.tenants.back().name =
          workflows.empty() ? std::string("all")
                            : workflows[result.tenants.back().workflow].name;
    }
    uint64_t total = 0;
    for (const Tenant &tenant : result.tenants)
      total += tenant.requests;
    if (result.warmUpRequests &&
        result.warmUpRequests >= std::max(total, result.requests))
      map.find("warm_up")->fail(
          fmt::format("all {} requests would be warm-up; raise `requests`",
                      std::max(total, result.requests)));
    return result;
  }

private:
  Tenant tenant(const yaml::Map &map, bool top = false) {
    Tenant tenant;
    tenant.arrivals.inFlight = 0;
    if (!top) {
      if (auto value = map.find("name"))
        tenant.name = value->string();
      if (auto value = map.find("requests"))
        tenant.requests = value->integer(1, maxCount);
      if (auto value = map.find("weight")) {
        if (tenant.requests)
          value->fail("a tenant with `requests` of its own takes no `weight`");
        tenant.weight = value->integer(1, 1u << 20);
      }
    }
    if (auto value = map.find("workflow"))
      tenant.workflow = uint32_t(
          value->oneOf(namesOf(workflows, [](const WorkflowSignature &w) {
            return std::string_view(w.name);
          })));
    if (auto value = map.find("arrivals"))
      tenant.arrivals = arrivals(*value);
    if (auto value = map.find("inputs"))
      inputs(*value, tenant);
    return tenant;
  }

  /// A part with its cycle, or `draw` of a kind of parts.
  FaultRule fault(const yaml::Value &value) {
    constexpr std::array<std::string_view, 6> kinds = {
        "pea", "tbu", "cbu", "link", "cluster", "hbm"};
    yaml::Map map =
        value.map({"cycle", "pea", "tbu", "cbu", "link", "cluster", "hbm",
                   "draw", "rate", "count", "between", "seed"});
    FaultRule rule;
    rule.file = file;
    rule.line = value.place().line;
    rule.column = value.place().column;
    auto drawn = map.find("draw");
    if (!drawn) {
      for (const char *key : {"rate", "count", "between", "seed"})
        if (auto other = map.find(key))
          other->fail("belongs to parts that are drawn: `draw` says of which "
                      "kind");
      rule.cycle = map.get("cycle").integer(0, maxCycles);
      rule.part = readPart(map, value);
      return rule;
    }
    for (std::string_view key : kinds)
      if (auto other = map.find(key))
        other->fail("names a part where `draw` draws them; make two entries");
    if (auto cycle = map.find("cycle"))
      cycle->fail("parts that are drawn die `between: [first, last]`");
    rule.drawn = true;
    rule.part.kind = static_cast<PartKind>(drawn->oneOf(kinds));
    auto rate = map.find("rate"), count = map.find("count");
    if (bool(rate) == bool(count))
      value.fail("expected either `rate`, a fraction of those alive, or "
                 "`count`");
    if (rate) {
      rule.byRate = true;
      rule.rateQ32 = rate->fixedPoint(1, 4294967296.0);
    } else {
      rule.count = count->integer(0, 1u << 22);
    }
    yaml::Value between = map.get("between");
    std::vector<yaml::Value> ends = between.list(2, 2);
    rule.from = ends[0].integer(0, maxCycles);
    rule.to = ends[1].integer(0, maxCycles);
    if (rule.to < rule.from)
      between.fail("the earlier cycle comes first");
    if (auto seed = map.find("seed")) {
      rule.ownSeed = true;
      rule.seed = seed->integer(0, UINT64_MAX);
    }
    return rule;
  }

  Arrivals arrivals(const yaml::Value &value) {
    yaml::Map map = value.map({"closed_loop", "poisson", "trace"});
    auto closed = map.find("closed_loop");
    auto poisson = map.find("poisson");
    auto trace = map.find("trace");
    if (bool(closed) + bool(poisson) + bool(trace) != 1)
      value.fail("expected exactly one of `closed_loop`, `poisson` and "
                 "`trace`");
    Arrivals arrivals;
    if (closed) {
      arrivals.kind = Arrivals::Kind::ClosedLoop;
      arrivals.inFlight =
          closed->map({"in_flight"}).get("in_flight").integer(1, maxCount);
    } else if (poisson) {
      arrivals.kind = Arrivals::Kind::Poisson;
      arrivals.meanGapCycles = poisson->map({"mean_gap_cycles"})
                                   .get("mean_gap_cycles")
                                   .integer(1, uint64_t(1) << 48);
    } else {
      arrivals.kind = Arrivals::Kind::Trace;
      arrivals.trace = traceOf(*trace);
    }
    return arrivals;
  }

  std::vector<uint64_t> traceOf(const yaml::Value &value) {
    yaml::Map map = value.map({"cycles", "file", "cycles_per_unit"});
    auto cycles = map.find("cycles");
    auto path = map.find("file");
    if (bool(cycles) == bool(path))
      value.fail("expected either `cycles`, a list, or `file`");
    std::vector<uint64_t> trace;
    if (cycles) {
      if (auto unit = map.find("cycles_per_unit"))
        unit->fail("belongs to a trace `file`; `cycles` are cycles");
      for (const yaml::Value &entry : cycles->list(1, 1u << 24)) {
        uint64_t cycle = entry.integer(0, maxCycles);
        if (!trace.empty() && cycle < trace.back())
          entry.fail("arrivals must ascend");
        trace.push_back(cycle);
      }
      return trace;
    }
    uint64_t unit = 1;
    if (auto entry = map.find("cycles_per_unit"))
      unit = entry->integer(1, uint64_t(1) << 32);
    return traceFile(*path, unit);
  }

  /// One arrival a line: an integer, the first field of a comma-separated line.
  /// Empty lines and what follows a '#' are left out; so is a first line that
  /// begins with a letter.
  std::vector<uint64_t> traceFile(const yaml::Value &value, uint64_t unit) {
    std::string path = resolve(value.string());
    // A device may have a line without end.
    std::error_code unknown;
    if (std::filesystem::exists(path, unknown) &&
        !std::filesystem::is_regular_file(path, unknown))
      value.fail(fmt::format("the trace {} is no regular file", path));
    std::ifstream stream(path);
    if (!stream)
      value.fail(fmt::format("cannot open the trace {}: {}", path,
                             std::strerror(errno)));
    std::vector<uint64_t> trace;
    std::string line;
    for (unsigned number = 1; std::getline(stream, line); ++number) {
      std::string_view text = line;
      text = text.substr(0, text.find('#'));
      text = text.substr(0, text.find(','));
      while (!text.empty() && std::strchr(" \t\r", text.back()))
        text.remove_suffix(1);
      while (!text.empty() && std::strchr(" \t", text.front()))
        text.remove_prefix(1);
      if (text.empty() ||
          (number == 1 && std::isalpha(static_cast<unsigned char>(text[0]))))
        continue;
      uint64_t cycle = 0;
      const char *end = text.data() + text.size();
      auto [stop, error] = std::from_chars(text.data(), end, cycle);
      if (error != std::errc() || stop != end || cycle > maxCycles / unit)
        throw yaml::SchemaError{
            {path, number, 1,
             fmt::format("expected an arrival from 0 to {} (an integer), found "
                         "`{}`",
                         maxCycles / unit, text.substr(0, 40))}};
      cycle *= unit;
      if (!trace.empty() && cycle < trace.back())
        throw yaml::SchemaError{
            {path, number, 1,
             fmt::format("arrivals must ascend: {} follows {}", cycle,
                         trace.back())}};
      trace.push_back(cycle);
    }
    if (trace.empty())
      value.fail(fmt::format("the trace {} has no arrivals", path));
    return trace;
  }

  void inputs(const yaml::Value &value, Tenant &tenant) {
    const WorkflowSignature &workflow = workflows[tenant.workflow];
    std::vector<std::string_view> names = argumentNames(workflow);
    yaml::Map map = value.mapOf(names);
    tenant.inputs.resize(workflow.arguments.size());
    for (size_t i = 0; i < names.size(); ++i)
      if (auto entry = map.find(names[i]))
        tenant.inputs[i] = input(*entry, workflow.arguments[i]);
  }

  ArgumentInput input(const yaml::Value &value,
                      const ValueSignature &argument) {
    yaml::Map map = value.map({"file", "entry", "uniform", "dims"});
    ArgumentInput input;
    auto path = map.find("file");
    auto entry = map.find("entry");
    auto uniform = map.find("uniform");
    auto dims = map.find("dims");
    if (path) {
      if (uniform || dims)
        value.fail("an argument is read from a `file` or drawn (`uniform`, "
                   "`dims`), not both");
      input.items = array(*path, entry, argument);
      return input;
    }
    if (entry)
      entry->fail("names an array of an .npz `file`, which is missing");
    if (uniform) {
      std::vector<yaml::Value> range = uniform->list(2, 2);
      input.low = signedNumber(range[0]);
      input.high = signedNumber(range[1]);
      if (input.high < input.low)
        uniform->fail("the lower end comes first");
    }
    size_t dynamic =
        size_t(std::count_if(argument.dims.begin(), argument.dims.end(),
                             [](int64_t size) { return size < 0; }));
    if (dims) {
      std::vector<yaml::Value> sizes = dims->list(0, 64);
      if (sizes.size() != dynamic)
        dims->fail(fmt::format(
            "{} has {} dimension{} known only at run time, found {} size{}",
            argument.typeText(), dynamic, dynamic == 1 ? "" : "s", sizes.size(),
            sizes.size() == 1 ? "" : "s"));
      for (const yaml::Value &size : sizes)
        input.dynamicDims.push_back(int64_t(size.integer(0, 1u << 30)));
    } else if (dynamic) {
      value.fail(fmt::format("{} has {} dimension{} known only at run time; "
                             "give {} with `dims: [...]` or a `file`",
                             argument.typeText(), dynamic,
                             dynamic == 1 ? "" : "s",
                             dynamic == 1 ? "it" : "them"));
    }
    return input;
  }

  static double signedNumber(const yaml::Value &value) {
    return value.number(-1e300, 1e300);
  }

  std::vector<Tensor> array(const yaml::Value &value,
                            const std::optional<yaml::Value> &entry,
                            const ValueSignature &argument) {
    std::string path = resolve(value.string());
    Tensor found;
    std::string place = path;
    if (path.ends_with(".npz")) {
      std::string wanted = entry ? entry->string() : argument.name;
      const std::vector<NamedTensor> &arrays = npz(value, path);
      for (const auto &[name, tensor] : arrays)
        if (name == wanted)
          found = tensor;
      if (!found.valid()) {
        std::vector<std::string_view> names =
            namesOf(arrays, [](const NamedTensor &a) {
              return std::string_view(a.first);
            });
        (entry ? *entry : value)
            .fail(fmt::format("{} has no array `{}`; it has {}", path, wanted,
                              names.empty() ? std::string("none")
                                            : yaml::listNames(names)));
      }
      place += "(" + wanted + ")";
    } else {
      if (entry)
        entry->fail("names an array of an .npz file; this is none");
      if (!path.ends_with(".npy"))
        value.fail("expected the path of an .npy or .npz file");
      Expected<Tensor> tensor = readNpy(path);
      if (!tensor)
        value.fail(tensor.error().str());
      found = std::move(*tensor);
    }
    Expected<std::vector<Tensor>> items = splitItems(found, argument, place);
    if (!items)
      value.fail(items.error().str());
    return std::move(*items);
  }

  const std::vector<NamedTensor> &npz(const yaml::Value &value,
                                      const std::string &path) {
    auto known = archives.find(path);
    if (known != archives.end())
      return known->second;
    Expected<std::vector<NamedTensor>> arrays = readNpz(path);
    if (!arrays)
      value.fail(arrays.error().str());
    return archives.emplace(path, std::move(*arrays)).first->second;
  }

  std::string resolve(const std::string &path) const {
    return (std::filesystem::path(folder) / path).string();
  }

  std::string_view file;
  const std::string &folder;
  std::span<const WorkflowSignature> workflows;
  std::map<std::string, std::vector<NamedTensor>> archives;
};

} // namespace

Expected<Scenario>
octo::parseScenario(std::string_view text, std::string_view name,
                    const std::string &folder,
                    std::span<const WorkflowSignature> workflows) {
  Reader reader(name, folder, workflows);
  return yaml::read<Scenario>(text, name, [&](const yaml::Value &root) {
    return reader.scenario(root);
  });
}

Expected<Scenario>
octo::readScenario(const std::string &path,
                   std::span<const WorkflowSignature> workflows) {
  // Enough for the longest list of arrivals.
  constexpr size_t maxFileBytes = size_t(256) << 20;
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  std::string text = yaml::readText(stream, maxFileBytes);
  if (text.empty())
    return makeFileError(path, "cannot be read: {}",
                         errno ? std::strerror(errno) : "it is empty");
  if (text.size() > maxFileBytes)
    return makeFileError(path,
                         "the file has over {} bytes; a scenario has no more",
                         maxFileBytes);
  return parseScenario(text, path,
                       std::filesystem::path(path).parent_path().string(),
                       workflows);
}
