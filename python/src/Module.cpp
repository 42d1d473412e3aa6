//===- Module.cpp - The Python module octopus._octopus --------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thin layer: arrays in and out, errors as exceptions. What Python
// programmers see is made in octopus/*.py on top of it.
//
//===----------------------------------------------------------------------===//

#include "octo/Compiler/Compiler.h"
#include "octo/Program/Program.h"
#include "octo/Runtime/Driver.h"
#include "octo/Runtime/Policy.h"
#include "octo/Runtime/Report.h"
#include "octo/Runtime/TraceWriter.h"
#include "octo/Support/OutputFile.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstring>
#include <memory>

namespace py = pybind11;
using namespace octo;

namespace {

/// Thrown to Python as octopus.ProgramError, with the diagnostic's parts.
struct ProgramException {
  Diagnostic diagnostic;
};

template <class T>
T valueOrThrow(Expected<T> expected) {
  if (!expected)
    throw ProgramException{expected.error()};
  if constexpr (!std::is_void_v<T>)
    return std::move(*expected);
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

ElementKind kindOf(const py::dtype &type, const std::string &name) {
  char kind = type.kind();
  auto size = type.itemsize();
  if (type.byteorder() == '>' && size > 1)
    throw py::type_error("array '" + name +
                         "' is big-endian; convert it with "
                         "array.astype(array.dtype.newbyteorder('='))");
  if (kind == 'b')
    return ElementKind::I1;
  if (kind == 'i' || kind == 'u')
    switch (size) {
    case 1:
      return ElementKind::I8;
    case 2:
      return ElementKind::I16;
    case 4:
      return ElementKind::I32;
    case 8:
      return ElementKind::I64;
    }
  if (kind == 'f' && size == 2)
    return ElementKind::F16;
  if (kind == 'f' && size == 4)
    return ElementKind::F32;
  if (kind == 'f' && size == 8)
    return ElementKind::F64;
  // Raw pairs of bytes, and the bfloat16 of ml_dtypes.
  if (kind == 'V' && size == 2)
    return ElementKind::BF16;
  throw py::type_error("array '" + name + "' has elements of type " +
                       std::string(py::str(type)) +
                       "; bool, int8 to int64, float16 to float64 and bfloat16 "
                       "can be used");
}

/// A copy: a run does not hold the interpreter's lock, and Python's memory may
/// be freed with it only.
Tensor tensorOf(const py::array &given, const std::string &name) {
  py::array array = py::array::ensure(given, py::array::c_style);
  if (!array)
    throw py::type_error("array '" + name + "' cannot be made contiguous");
  std::vector<int64_t> dims(array.shape(), array.shape() + array.ndim());
  Tensor tensor =
      Tensor::allocate(kindOf(array.dtype(), name), std::move(dims));
  if (size_t bytes = tensor.bytes())
    std::memcpy(tensor.data(), array.data(), bytes);
  return tensor;
}

const char *dtypeOf(ElementKind kind) {
  switch (kind) {
  case ElementKind::I1:
    return "bool";
  case ElementKind::I8:
    return "int8";
  case ElementKind::I16:
    return "int16";
  case ElementKind::I32:
    return "int32";
  case ElementKind::I64:
  case ElementKind::Index:
    return "int64";
  case ElementKind::F16:
    return "float16";
  case ElementKind::BF16:
    return "V2";
  case ElementKind::F32:
    return "float32";
  case ElementKind::F64:
    return "float64";
  case ElementKind::Data:
  case ElementKind::Token:
    break;
  }
  return "";
}

/// An array over the memory of `tensor`, which it keeps alive; read-only, since
/// others may share the memory.
py::array arrayOf(const Tensor &tensor) {
  auto *owner = new Tensor(tensor);
  py::capsule capsule(owner, [](void *p) { delete static_cast<Tensor *>(p); });
  std::vector<py::ssize_t> shape(tensor.dims().begin(), tensor.dims().end());
  py::array array(py::dtype(std::string(dtypeOf(tensor.kind()))),
                  std::move(shape), owner->data(), capsule);
  array.attr("setflags")(py::arg("write") = false);
  return array;
}

template <class T>
py::array_t<T> numbers(const std::vector<T> &values) {
  return py::array_t<T>(py::ssize_t(values.size()), values.data());
}

//===----------------------------------------------------------------------===//
// Programs and runs
//===----------------------------------------------------------------------===//

struct Run {
  std::shared_ptr<Session> session;
  SimulationOptions options;
  RunResult result;
};

py::dict signatureOf(const ValueSignature &value) {
  py::dict dict;
  dict["name"] = value.name;
  dict["type"] = value.typeText();
  dict["dtype"] = dtypeOf(value.kind);
  dict["scalar"] = value.scalar;
  dict["shape"] = value.dims;
  return dict;
}

/// What watches a run: a timeline and a log, where they are wanted.
std::vector<std::unique_ptr<TraceWriter>>
openWriters(const std::string &trace, const std::string &log,
            const fb::Program &program) {
  std::vector<std::unique_ptr<TraceWriter>> writers;
  if (!trace.empty())
    writers.push_back(valueOrThrow(TraceWriter::create(trace, program)));
  if (!log.empty())
    writers.push_back(valueOrThrow(TraceWriter::createLog(log, program)));
  return writers;
}

std::shared_ptr<Run>
runProgram(const std::shared_ptr<Session> &session, const std::string &policy,
           const std::vector<std::string> &disable,
           const std::vector<std::string> &policyOptions,
           std::optional<uint64_t> requests, std::optional<uint64_t> seed,
           std::optional<uint64_t> inFlight, const std::string &scenario,
           const std::string &scenarioText, const py::dict &inputs,
           bool timingOnly, bool recordsInOrder, bool recordOutcomes,
           bool keepOutputs,
           const std::string &trace, const std::string &log) {
  RunRequest request;
  request.policy = policy;
  request.disable = disable;
  request.policyOptions = policyOptions;
  request.requests = requests;
  request.seed = seed;
  request.inFlight = inFlight;
  request.scenario = scenario;
  request.scenarioText = scenarioText;
  request.timingOnly = timingOnly;
  request.recordsInOrder = recordsInOrder;
  request.recordOutcomes = recordOutcomes;
  for (auto item : inputs) {
    auto name = py::cast<std::string>(item.first);
    request.inputArrays.emplace_back(
        name, tensorOf(py::cast<py::array>(item.second), name));
  }
  auto run = std::make_shared<Run>();
  run->session = session;
  // Outputs are kept where there are any.
  bool functional = !timingOnly && session->hasValues();
  request.keepOutputs = keepOutputs && functional;
  run->options = valueOrThrow([&] {
    py::gil_scoped_release unlocked;
    return session->prepare(request);
  }());
  // A run that cannot be does not cost what the files had before.
  valueOrThrow(createPolicy(policy, disable, policyOptions));
  valueOrThrow(checkOutputs({trace, log}, {session->name(), scenario}));
  std::vector<std::unique_ptr<TraceWriter>> writers =
      openWriters(trace, log, session->program());
  TraceFan sinks;
  for (const std::unique_ptr<TraceWriter> &writer : writers)
    sinks.add(*writer);
  bool interrupted = false;
  auto progress = [&](const Progress &) {
    py::gil_scoped_acquire lock;
    interrupted = PyErr_CheckSignals() != 0;
    return !interrupted;
  };
  Expected<RunResult> result = [&] {
    py::gil_scoped_release unlocked;
    return session->run(run->options, sinks.get(), progress);
  }();
  if (interrupted)
    throw py::error_already_set();
  run->result = valueOrThrow(std::move(result));
  for (const std::unique_ptr<TraceWriter> &writer : writers)
    valueOrThrow(writer->finish());
  return run;
}

py::dict outputsOf(const Run &run) {
  py::dict arrays;
  if (run.result.timingOnly || !run.options.keepOutputs)
    return arrays;
  for (const auto &[name, tensor] :
       collectOutputs(run.result, run.options, *run.session))
    arrays[py::str(name)] = arrayOf(tensor);
  return arrays;
}

py::dict requestsOf(const Run &run) {
  const std::vector<RequestRecord> &records = run.result.requests;
  std::vector<uint64_t> arrival, admitted, work, workSoFar;
  std::vector<int64_t> finished;
  std::vector<uint32_t> tenant;
  std::vector<uint8_t> failed;
  for (const RequestRecord &record : records) {
    arrival.push_back(record.arrival);
    admitted.push_back(record.admitted);
    finished.push_back(int64_t(record.finished)); // ~0, still open: -1
    work.push_back(record.work);
    workSoFar.push_back(record.workSoFar);
    tenant.push_back(record.tenant);
    failed.push_back(record.failed);
  }
  py::dict dict;
  dict["arrival"] = numbers(arrival);
  dict["admitted"] = numbers(admitted);
  dict["finished"] = numbers(finished);
  dict["work"] = numbers(work);
  dict["work_so_far"] = numbers(workSoFar);
  dict["tenant"] = numbers(tenant);
  dict["failed"] = numbers(failed).attr("astype")("bool");
  return dict;
}

py::dict outcomesOf(const Run &run) {
  std::vector<uint64_t> request, tag, value;
  std::vector<uint32_t> workflow, block;
  for (const OutcomeRecord &record : run.result.outcomes) {
    if (record.block == ~uint32_t(0)) // The sizes of arguments are no outcome.
      continue;
    request.push_back(record.request);
    workflow.push_back(record.workflow);
    block.push_back(record.block);
    tag.push_back(record.tag);
    value.push_back(record.value);
  }
  py::dict dict;
  dict["request"] = numbers(request);
  dict["workflow"] = numbers(workflow);
  dict["block"] = numbers(block);
  dict["tag"] = numbers(tag);
  dict["value"] = numbers(value);
  return dict;
}

std::vector<RunResult>
resultsOf(const std::vector<std::shared_ptr<Run>> &runs) {
  std::vector<RunResult> results;
  for (const std::shared_ptr<Run> &run : runs) {
    RunResult result = run->result;
    result.outputs.clear();
    result.requests.clear();
    results.push_back(std::move(result));
  }
  return results;
}

} // namespace

PYBIND11_MODULE(_octopus, m) {
  m.doc() = "The compiled part of the package octopus.";
  m.attr("__version__") = OCTO_VERSION;
  m.attr("mlir_version") = OCTO_MLIR_VERSION;

  static py::exception<ProgramException> programError(m, "NativeError");
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer)
        std::rethrow_exception(pointer);
    } catch (const ProgramException &exception) {
      const Diagnostic &d = exception.diagnostic;
      py::tuple parts = py::make_tuple(d.file, d.line, d.column, d.message);
      PyErr_SetObject(programError.ptr(), parts.ptr());
    }
  });

  py::class_<Run, std::shared_ptr<Run>>(m, "Run")
      .def("json",
           [](const Run &run) {
             return formatResultJson(run.result, run.session->program());
           })
      .def("summary",
           [](const Run &run) {
             return formatSummary(run.result, run.session->program());
           })
      .def("html",
           [](const Run &run) {
             return formatHtml(run.result, run.session->program());
           })
      .def("profile",
           [](const Run &run) {
             return formatProfileJson(run.result, run.session->program());
           })
      .def_property_readonly(
          "recorded",
          [](const Run &run) { return run.options.recordOutcomes; })
      .def("unfinished",
           [](const Run &run) { return formatUnfinished(run.result); })
      .def("outputs", &outputsOf)
      .def("requests", &requestsOf)
      .def("outcomes", &outcomesOf);

  py::class_<Session, std::shared_ptr<Session>>(m, "Session")
      .def_static("open",
                  [](const std::string &path) {
                    return std::shared_ptr<Session>(
                        valueOrThrow(Session::open(path)));
                  })
      .def_static(
          "from_bytes",
          [](const py::bytes &bytes, const std::string &name) {
            std::string_view view = bytes;
            return std::shared_ptr<Session>(valueOrThrow(Session::fromBytes(
                {reinterpret_cast<const uint8_t *>(view.data()), view.size()},
                name)));
          })
      .def("name", &Session::name)
      .def("to_bytes",
           [](const Session &session) {
             return py::bytes(
                 reinterpret_cast<const char *>(session.bytes().data()),
                 session.bytes().size());
           })
      .def("describe",
           [](const Session &session) {
             return describeProgram(session.program());
           })
      .def("json",
           [](const Session &session) {
             return programToJson(session.program());
           })
      .def("workflows",
           [](const Session &session) {
             py::list list;
             for (const WorkflowSignature &workflow : session.signatures()) {
               py::list arguments, results;
               for (const ValueSignature &value : workflow.arguments)
                 arguments.append(signatureOf(value));
               for (const ValueSignature &value : workflow.results)
                 results.append(signatureOf(value));
               list.append(py::make_tuple(workflow.name, arguments, results));
             }
             return list;
           })
      .def_property_readonly("has_values", &Session::hasValues)
      .def_property_readonly("has_images", &Session::hasImages)
      .def("run", &runProgram, py::kw_only(), py::arg("policy"),
           py::arg("disable"), py::arg("policy_options"), py::arg("requests"), py::arg("seed"),
           py::arg("in_flight"), py::arg("scenario"), py::arg("scenario_text"),
           py::arg("inputs"), py::arg("timing_only"),
           py::arg("records_in_order"), py::arg("record_outcomes"), py::arg("keep_outputs"),
           py::arg("trace"), py::arg("log"));

  m.def("comparison_text", [](const std::vector<std::shared_ptr<Run>> &runs) {
    return runs.empty() ? std::string()
                        : formatComparison(resultsOf(runs),
                                           runs.front()->session->program());
  });
  m.def("policies", [] {
    std::vector<std::tuple<std::string, std::string, std::vector<std::string>>>
        list;
    for (const PolicyInfo &info : registeredPolicies())
      list.emplace_back(info.name, info.summary, info.switches);
    return list;
  });
  m.def(
      "compile",
      [](const std::string &source, bool isPath, const std::string &target,
         const std::string &profile, const std::string &kernelCpu, bool kernels,
         bool streams, double tailPercent) {
        CompileOptions options;
        (isPath ? options.inputs.emplace_back() : options.text) = source;
        options.targetPath = target;
        options.profilePath = profile;
        options.kernelCpu = kernelCpu;
        options.kernels = kernels;
        options.streams = streams;
        options.tailPercent = tailPercent;
        CompileResult outcome;
        {
          py::gil_scoped_release unlocked;
          outcome = compileWorkflow(options);
        }
        py::list messages;
        for (const CompileMessage &message : outcome.messages)
          messages.append(py::make_tuple(stringify(message.severity),
                                         message.file, message.line,
                                         message.column, message.message));
        py::object program = py::none();
        if (outcome.succeeded)
          program =
              py::bytes(reinterpret_cast<const char *>(outcome.program.data()),
                        outcome.program.size());
        return py::make_tuple(program, outcome.reportJson, messages);
      },
      py::kw_only(), py::arg("source"), py::arg("is_path"), py::arg("target"),
      py::arg("profile"), py::arg("kernel_cpu"), py::arg("kernels"),
      py::arg("streams"), py::arg("tail_percent"));
}
