//===- OrcExecutor.cpp - Kernels in this process, through ORC -------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The content of libOctoKernels.so: links the objects of a program and calls
// them with the interface of octo-c/Kernel.h. Everything that a call allocates
// is on a list of that call, so that a trap, which leaves the kernel by
// longjmp, loses nothing.
//
//===----------------------------------------------------------------------===//

#include "HalfConversions.h"

#include "octo-c/Kernel.h"
#include "octo/KernelCpu/KernelCpu.h"
#include "octo/KernelLoader/KernelLoader.h"
#include "octo/Support/Diagnostic.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <map>

#include <unistd.h>

namespace octo {
namespace {

//===----------------------------------------------------------------------===//
// Memory and traps of one call
//===----------------------------------------------------------------------===//

/// In front of every block that a kernel gets; as long as its alignment.
struct alignas(OCTO_KERNEL_ALIGNMENT) BlockHeader {
  BlockHeader *previous;
  BlockHeader *next;
  uint64_t bytes;
};

/// What OctoKernelCall.context points to. Trivial: longjmp passes over it.
struct CallState {
  BlockHeader list; // head of the ring of live blocks
  uint64_t used;
  uint64_t limit;
  int32_t status;
  const char *message;
  jmp_buf out;
};

void unlinkBlock(BlockHeader *header) {
  header->previous->next = header->next;
  header->next->previous = header->previous;
}

[[noreturn]] void trap(OctoKernelCall *call, int32_t status,
                       const char *message) {
  auto *state = static_cast<CallState *>(call->context);
  state->status = status;
  state->message = message;
  _longjmp(state->out, 1);
}

void *allocate(OctoKernelCall *call, uint64_t bytes) {
  auto *state = static_cast<CallState *>(call->context);
  constexpr uint64_t align = OCTO_KERNEL_ALIGNMENT;
  if (bytes > state->limit - state->used)
    trap(call, OCTO_KERNEL_OUT_OF_MEMORY,
         "the task needs more memory than it may have");
  uint64_t total = sizeof(BlockHeader) + (bytes + align - 1) / align * align;
  auto *header = static_cast<BlockHeader *>(std::aligned_alloc(align, total));
  if (!header)
    trap(call, OCTO_KERNEL_OUT_OF_MEMORY, "out of memory");
  header->bytes = bytes;
  header->previous = &state->list;
  header->next = state->list.next;
  header->next->previous = header;
  state->list.next = header;
  state->used += bytes;
  return header + 1;
}

void release(OctoKernelCall *call, void *block) {
  if (!block)
    return;
  auto *state = static_cast<CallState *>(call->context);
  BlockHeader *header = static_cast<BlockHeader *>(block) - 1;
  state->used -= header->bytes;
  unlinkBlock(header);
  std::free(header);
}

/// Calls the kernel; on a trap returns its status. Has nothing to destroy.
[[gnu::noinline]] int32_t invoke(OctoKernelFunction function,
                                 OctoKernelCall *call, CallState *state) {
  if (_setjmp(state->out))
    return state->status;
  return function(call);
}

//===----------------------------------------------------------------------===//
// The executor
//===----------------------------------------------------------------------===//

struct LoadedKernel {
  OctoKernelFunction function = nullptr;
  std::string name;
  std::vector<KernelValueType> inputs;
  std::vector<KernelValueType> outputs;
  unsigned numCounters = 0;
  uint64_t donated = 0;
  /// Sizes and strides that a call needs room for.
  size_t numDims = 0;
};

bool matches(const Tensor &tensor, const KernelValueType &type) {
  if (!tensor.valid() || tensor.kind() != type.element ||
      tensor.isScalar() != type.scalar || tensor.rank() != type.dims.size())
    return false;
  for (unsigned i = 0; i < tensor.rank(); ++i)
    if (type.dims[i] >= 0 && type.dims[i] != tensor.dim(i))
      return false;
  return true;
}

std::string describe(ElementKind element, bool scalar,
                     std::span<const int64_t> dims) {
  std::string text(stringifyElementKind(element));
  if (scalar)
    return text;
  std::string shape;
  for (int64_t dim : dims)
    shape += (dim < 0 ? std::string("?") : std::to_string(dim)) + "x";
  return "tensor<" + shape + text + ">";
}

class OrcExecutor : public KernelExecutor {
public:
  OrcExecutor(std::unique_ptr<llvm::orc::LLJIT> jit, const KernelLimits &limits)
      : jit(std::move(jit)), limits(limits) {}

  bool hasKernel(uint32_t kernel) const override {
    return kernel < kernels.size() && kernels[kernel].function;
  }

  Expected<void> call(uint32_t kernel, std::span<const Tensor> inputs,
                      std::span<Tensor> outputs,
                      std::span<int64_t> counters) override;

  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::vector<LoadedKernel> kernels;
  KernelLimits limits;
};

Expected<void> OrcExecutor::call(uint32_t number,
                                 std::span<const Tensor> inputs,
                                 std::span<Tensor> outputs,
                                 std::span<int64_t> counters) {
  if (!hasKernel(number))
    return makeError("kernel {} has no code", number);
  const LoadedKernel &kernel = kernels[number];
  if (inputs.size() != kernel.inputs.size() ||
      outputs.size() != kernel.outputs.size() ||
      counters.size() != kernel.numCounters)
    return makeError("kernel '{}' takes {} inputs, {} outputs and {} counters, "
                     "but was given {}, {} and {}",
                     kernel.name, kernel.inputs.size(), kernel.outputs.size(),
                     kernel.numCounters, inputs.size(), outputs.size(),
                     counters.size());
  for (size_t i = 0; i < inputs.size(); ++i)
    if (!matches(inputs[i], kernel.inputs[i])) {
      const KernelValueType &type = kernel.inputs[i];
      return makeError(
          "input {} of kernel '{}' is {}, expected {}", i, kernel.name,
          inputs[i].valid() ? describe(inputs[i].kind(), inputs[i].isScalar(),
                                       inputs[i].dims())
                            : "missing",
          describe(type.element, type.scalar, type.dims));
    }

  std::vector<int64_t> dims(2 * kernel.numDims);
  int64_t *room = dims.data();
  std::vector<OctoBuffer> buffers(inputs.size() + outputs.size());
  // Donated inputs: those given away, or copies where others still need them.
  struct Donation {
    const void *allocated;
    std::shared_ptr<void> owner;
  };
  std::vector<Donation> donations;
  auto describeBuffer = [&](OctoBuffer &buffer, const KernelValueType &type) {
    buffer = {};
    buffer.rank = static_cast<uint32_t>(type.dims.size());
    buffer.element = static_cast<uint8_t>(type.element);
    buffer.scalar = type.scalar;
    buffer.sizes = room;
    buffer.strides = room + buffer.rank;
    room += 2 * buffer.rank;
  };
  for (size_t i = 0; i < inputs.size(); ++i) {
    OctoBuffer &buffer = buffers[i];
    describeBuffer(buffer, kernel.inputs[i]);
    int64_t stride = 1;
    for (unsigned d = buffer.rank; d-- > 0;) {
      buffer.sizes[d] = inputs[i].dim(d);
      buffer.strides[d] = stride;
      stride *= inputs[i].dim(d);
    }
    // The interface has no const on data; the kernel writes to donated inputs
    // only, and those are written to only where nobody else holds them.
    buffer.data = const_cast<void *>(inputs[i].data());
    if (i < 64 && (kernel.donated >> i & 1)) {
      std::shared_ptr<void> owner = inputs[i].ownership();
      if (owner.use_count() > 2) { // the input and this one
        Tensor copy =
            Tensor::allocate(inputs[i].kind(),
                             {inputs[i].dims().begin(), inputs[i].dims().end()},
                             inputs[i].isScalar());
        if (inputs[i].bytes())
          std::memcpy(copy.data(), inputs[i].data(), inputs[i].bytes());
        buffer.data = copy.data();
        owner = copy.ownership();
      }
      buffer.allocated = owner.get();
      donations.push_back({owner.get(), std::move(owner)});
    }
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    const KernelValueType &type = kernel.outputs[i];
    OctoBuffer &buffer = buffers[inputs.size() + i];
    describeBuffer(buffer, type);
    if (type.scalar) {
      outputs[i] = Tensor::allocate(type.element, {}, /*scalar=*/true);
      buffer.data = outputs[i].data();
    }
  }

  CallState state;
  state.list.previous = state.list.next = &state.list;
  state.used = 0;
  state.limit = limits.bytes;
  state.status = OCTO_KERNEL_OK;
  state.message = "";
  OctoKernelCall call = {};
  call.version = OCTO_KERNEL_ABI_VERSION;
  call.numInputs = static_cast<uint32_t>(inputs.size());
  call.numOutputs = static_cast<uint32_t>(outputs.size());
  call.numCounters = kernel.numCounters;
  call.inputs = buffers.data();
  call.outputs = buffers.data() + inputs.size();
  call.counters = counters.data();
  call.fuel = limits.fuel;
  call.allocate = allocate;
  call.release = release;
  call.trap = trap;
  call.context = &state;

  int32_t status = invoke(kernel.function, &call, &state);

  if (status == OCTO_KERNEL_OK) {
    for (size_t i = 0; i < outputs.size(); ++i) {
      const KernelValueType &type = kernel.outputs[i];
      if (type.scalar)
        continue;
      OctoBuffer &buffer = buffers[inputs.size() + i];
      std::vector<int64_t> sizes(buffer.sizes, buffer.sizes + buffer.rank);
      BlockHeader *header = state.list.next;
      while (header != &state.list && header + 1 != buffer.allocated)
        header = header->next;
      if (header != &state.list) {
        unlinkBlock(header);
        outputs[i] = Tensor::adopt(type.element, std::move(sizes),
                                   /*scalar=*/false,
                                   std::shared_ptr<void>(header, std::free),
                                   buffer.data);
        continue;
      }
      auto donation = llvm::find_if(donations, [&](const Donation &donation) {
        return donation.owner && donation.allocated == buffer.allocated;
      });
      if (donation != donations.end()) {
        outputs[i] =
            Tensor::adopt(type.element, std::move(sizes), /*scalar=*/false,
                          std::move(donation->owner), buffer.data);
        continue;
      }
      // Not a block of its own (an image from elsewhere): never adopt what
      // somebody else owns.
      outputs[i] = Tensor::allocate(type.element, std::move(sizes));
      if (outputs[i].bytes())
        std::memcpy(outputs[i].data(), buffer.data, outputs[i].bytes());
    }
  }
  while (state.list.next != &state.list) {
    BlockHeader *header = state.list.next;
    unlinkBlock(header);
    std::free(header);
  }
  switch (status) {
  case OCTO_KERNEL_OK:
    return {};
  case OCTO_KERNEL_BAD_CALL:
    return makeError("the image of kernel '{}' does not fit its signature; "
                     "compile the program again",
                     kernel.name);
  default:
    return makeError("{}", state.message);
  }
}

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

/// What images may import from this process.
bool isAllowedImport(llvm::StringRef name) {
  static const llvm::StringSet<> functions = {
      "memcpy",    "memmove",  "memset",       "memcmp",   "bcmp",
      "acos",      "acosh",    "asin",         "asinh",    "atan",
      "atan2",     "atanh",    "cbrt",         "ceil",     "copysign",
      "cos",       "cosh",     "erf",          "erfc",     "exp",
      "exp10",     "exp2",     "expm1",        "fabs",     "fdim",
      "floor",     "fma",      "fmax",         "fmaximum", "fmaximum_num",
      "fmin",      "fminimum", "fminimum_num", "fmod",     "frexp",
      "ldexp",     "log",      "log10",        "log1p",    "log2",
      "lrint",     "lround",   "llrint",       "llround",  "modf",
      "nearbyint", "pow",      "remainder",    "rint",     "round",
      "roundeven", "sin",      "sincos",       "sinh",     "sqrt",
      "tan",       "tanh",     "tgamma",       "trunc"};
  return functions.contains(name) ||
         (name.ends_with("f") && functions.contains(name.drop_back()) &&
          !name.starts_with("mem"));
}

std::string text(llvm::Error error) { return llvm::toString(std::move(error)); }

/// Fills `executor`, or says what is wrong.
Expected<void> load(OrcExecutor &executor,
                    const std::vector<KernelCode> &kernels) {
  namespace orc = llvm::orc;
  orc::LLJIT &jit = *executor.jit;
  orc::ExecutionSession &session = jit.getExecutionSession();

  orc::JITDylib &host = session.createBareJITDylib("host");
  auto generator = orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      jit.getDataLayout().getGlobalPrefix(),
      [](const orc::SymbolStringPtr &name) { return isAllowedImport(*name); });
  if (!generator)
    return makeError("the symbols of this process cannot be read: {}",
                     text(generator.takeError()));
  host.addGenerator(std::move(*generator));
  orc::SymbolMap conversions;
  for (auto [name, address] : halfConversions())
    conversions[jit.mangleAndIntern(name)] = {
        orc::ExecutorAddr::fromPtr(address), llvm::JITSymbolFlags::Exported};
  if (!conversions.empty())
    if (llvm::Error error = host.define(orc::absoluteSymbols(conversions)))
      return makeError("{}", text(std::move(error)));

  // Kernels that share an image share its code.
  std::map<const uint8_t *, orc::JITDylib *> loaded;
  for (const KernelCode &code : kernels) {
    LoadedKernel kernel;
    kernel.name = code.name;
    kernel.inputs = code.inputs;
    kernel.outputs = code.outputs;
    kernel.numCounters = code.numCounters;
    kernel.donated = code.donated;
    for (const auto *types : {&code.inputs, &code.outputs})
      for (const KernelValueType &type : *types) {
        if (elementBytes(type.element) == 0)
          return makeError("kernel '{}' has an image, but takes or returns "
                           "values of profiled workflows",
                           code.name);
        kernel.numDims += type.dims.size();
      }
    if (code.object) {
      if (code.symbol != OCTO_KERNEL_SYMBOL)
        return makeError("the image of kernel '{}' has the entry point '{}', "
                         "this loader calls '{}'; compile the program again "
                         "with the octo-compile of this version",
                         code.name, code.symbol, OCTO_KERNEL_SYMBOL);
      orc::JITDylib *&dylib = loaded[code.object];
      if (!dylib) {
        dylib = &session.createBareJITDylib("kernel" +
                                            std::to_string(loaded.size() - 1));
        dylib->addToLinkOrder(host);
        auto buffer = llvm::MemoryBuffer::getMemBuffer(
            llvm::StringRef(reinterpret_cast<const char *>(code.object),
                            code.objectBytes),
            code.name, /*RequiresNullTerminator=*/false);
        if (llvm::Error error = jit.addObjectFile(*dylib, std::move(buffer)))
          return makeError("the image of kernel '{}' cannot be loaded: {}",
                           code.name, text(std::move(error)));
      }
      llvm::Expected<orc::ExecutorAddr> address =
          jit.lookup(*dylib, code.symbol);
      if (!address)
        return makeError("the image of kernel '{}' cannot be linked: {}",
                         code.name, text(address.takeError()));
      kernel.function = address->toPtr<OctoKernelFunction>();
    }
    executor.kernels.push_back(std::move(kernel));
  }
  return {};
}

Expected<std::unique_ptr<OrcExecutor>>
create(const std::vector<KernelCode> &kernels, const std::string &cpu,
       KernelLimits limits) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();

  Expected<std::vector<std::string>> missing = missingFeatures(cpu);
  if (!missing)
    return Error(missing.error());
  if (!missing->empty()) {
    std::string list;
    for (const std::string &feature : *missing)
      list += (list.empty() ? "" : ", ") + feature;
    return makeError("the images were compiled for {}, but this CPU ({}) lacks "
                     "{}; compile the program with --kernel-cpu=host or "
                     "--kernel-cpu=generic, or run with --timing-only",
                     cpu, llvm::sys::getHostCPUName().str(), list);
  }

  if (limits.bytes == 0)
    limits.bytes =
        uint64_t(sysconf(_SC_PHYS_PAGES)) * uint64_t(sysconf(_SC_PAGE_SIZE));
  llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>> jit =
      llvm::orc::LLJITBuilder()
          .setPlatformSetUp(llvm::orc::setUpInactivePlatform)
          .setLinkProcessSymbolsByDefault(false)
          .create();
  if (!jit)
    return makeError("no code can be loaded on this host: {}",
                     text(jit.takeError()));
  // Errors are values; ORC's default also prints them.
  (*jit)->getExecutionSession().setErrorReporter(
      [](llvm::Error error) { llvm::consumeError(std::move(error)); });
  auto executor = std::make_unique<OrcExecutor>(std::move(*jit), limits);
  if (Expected<void> done = load(*executor, kernels); !done)
    return Error(done.error());
  return executor;
}

} // namespace
} // namespace octo

extern "C" __attribute__((visibility("default"))) octo::KernelExecutor *
octoCreateExecutorOfKernels(const std::vector<octo::KernelCode> &kernels,
                            const std::string &cpu,
                            const octo::KernelLimits &limits,
                            std::string &error) {
  octo::Expected<std::unique_ptr<octo::OrcExecutor>> executor =
      octo::create(kernels, cpu, limits);
  if (executor)
    return executor->release();
  error = executor.error().message;
  return nullptr;
}
