//===- Program.cpp - Writing and loading program files --------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The way from bytes to a checked program and back.
//
//===----------------------------------------------------------------------===//

#include "octo/Program/Program.h"
#include "octo/Program/Columns.h"
#include "octo/Program/CycleModel.h"

#include "octo/Program/program_generated.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace octo;

static constexpr uint64_t maxFileBytes = uint64_t(1) << 31;

/// Limits of the FlatBuffers verifier: programs are shallow, and only images
/// and workflows are tables by the item.
static constexpr flatbuffers::uoffset_t maxDepth = 16;
static constexpr flatbuffers::uoffset_t maxTables = 1000000;

uint64_t octo::schemaHash() {
  return
#include "octo/Program/SchemaHash.inc"
      ;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Reads a number at `offset`; false beyond the end.
template <class T>
static bool peek(std::span<const uint8_t> bytes, uint64_t offset, T &value) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T))
    return false;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  value = flatbuffers::EndianScalar(value);
  return true;
}

/// Reads the version before anything else is believed: fields 0 and 1 of the
/// root table. A field that is absent counts as 0.
static bool peekVersion(std::span<const uint8_t> bytes, uint16_t &major,
                        uint16_t &minor) {
  uint32_t root = 0;
  int32_t toTable = 0;
  uint16_t tableSize = 0;
  if (!peek(bytes, 0, root) || !peek(bytes, root, toTable))
    return false;
  int64_t table = int64_t(root) - toTable;
  if (table < 0 || !peek(bytes, uint64_t(table), tableSize))
    return false;
  auto field = [&](unsigned number, uint16_t &value) {
    uint16_t offset = 0;
    value = 0;
    if (4u + 2 * number + 2 > tableSize)
      return true;
    if (!peek(bytes, uint64_t(table) + 4 + 2 * number, offset))
      return false;
    return offset == 0 || peek(bytes, uint64_t(root) + offset, value);
  };
  return field(0, major) && field(1, minor);
}

namespace octo {
Expected<Program> checkedProgram(std::shared_ptr<const void> storage,
                                 std::span<const uint8_t> bytes,
                                 std::string_view name) {
  if (bytes.empty())
    return makeFileError(name, "the file is empty; compile the program again");
  if (bytes.size() > maxFileBytes)
    return makeFileError(name,
                         "the file has {} bytes; a program file has at "
                         "most 2 GiB: keep large weights in files",
                         bytes.size());
  if (bytes.size() < 8 ||
      std::memcmp(bytes.data() + 4, fb::ProgramIdentifier(), 4) != 0)
    return makeFileError(name, "this is not an Octopus program: the identifier "
                               "'OCTO' is not there; expected a file that "
                               "octo-compile wrote");
  uint16_t major = 0, minor = 0;
  if (!peekVersion(bytes, major, minor))
    return makeFileError(name, "the file is damaged or cut short: its header "
                               "leads outside of it; compile it again");
  if (major != kMajor || minor > kMinor)
    return makeFileError(
        name,
        "the program has format {}.{}; this Octopus reads {}.0 to {}.{}: "
        "{}",
        major, minor, kMajor, kMajor, kMinor,
        major < kMajor ? "compile it again with this Octopus"
                       : "use a newer Octopus, or compile it again with this "
                         "one");

  flatbuffers::Verifier verifier(bytes.data(), bytes.size(), maxDepth,
                                 maxTables);
  if (!fb::VerifyProgramBuffer(verifier))
    return makeFileError(name,
                         "the file is damaged or cut short: FlatBuffers' "
                         "verifier rejects its {} bytes; compile it "
                         "again",
                         bytes.size());
  Program program;
  program.storage = std::move(storage);
  program.content = bytes;
  program.label = std::string(name);
  program.root = fb::GetProgram(bytes.data());
  if (minor == kMinor && program.root->schema_hash() != schemaHash())
    return makeFileError(
        name,
        "the program was written with another draft of format {}.{} "
        "(schema {:016x}, this Octopus has {:016x}); compile it again "
        "with this Octopus",
        major, minor, program.root->schema_hash(), schemaHash());
  if (Expected<void> valid = validateProgram(*program.root); !valid)
    return makeFileError(name, "{}", valid.error().message);
  return program;
}
} // namespace octo

/// Weights are aligned to 64 bytes in the file, so memory for it is as well.
static std::shared_ptr<uint8_t> allocate(uint64_t bytes) {
  void *memory = std::aligned_alloc(64, (size_t(bytes) / 64 + 1) * 64);
  return memory ? std::shared_ptr<uint8_t>(static_cast<uint8_t *>(memory),
                                           [](uint8_t *p) { std::free(p); })
                : nullptr;
}

static Error noMemory(std::string_view name, uint64_t bytes) {
  return makeFileError(name, "no memory for {} bytes", bytes);
}

Expected<Program> octo::parseProgram(std::span<const uint8_t> bytes,
                                     std::string_view name) {
  std::shared_ptr<uint8_t> storage = allocate(bytes.size());
  if (!storage)
    return noMemory(name, bytes.size());
  if (!bytes.empty())
    std::memcpy(storage.get(), bytes.data(), bytes.size());
  return checkedProgram(storage, {storage.get(), bytes.size()}, name);
}

Expected<Program> octo::loadProgram(const std::string &path) {
  auto failed = [&](const char *what) {
    return makeFileError(path, "cannot {} the program file: {}", what,
                         std::strerror(errno));
  };
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return failed("open");
  struct Closer {
    int file;
    ~Closer() { ::close(file); }
  } closer{file};
  struct stat status;
  if (::fstat(file, &status) != 0)
    return failed("read");
  if (!S_ISREG(status.st_mode))
    return makeFileError(path, "this is no regular file; expected a file that "
                               "octo-compile wrote");
  auto size = uint64_t(status.st_size);
  if (size == 0 || size > maxFileBytes)
    return checkedProgram(
        nullptr, {static_cast<const uint8_t *>(nullptr), size_t(size)}, path);
  // A private copy: a file that someone changes while it is in use cannot
  // change what has been checked.
  std::shared_ptr<uint8_t> storage = allocate(size);
  if (!storage)
    return noMemory(path, size);
  size_t done = 0;
  while (done < size) {
    ssize_t count = ::read(file, storage.get() + done, size_t(size) - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return failed("read");
    if (count == 0)
      break;
    done += size_t(count);
  }
  return checkedProgram(storage, {storage.get(), done}, path);
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

template <class T>
static void makePresent(std::unique_ptr<T> &table) {
  if (!table)
    table = std::make_unique<T>();
}

void octo::makeRequiredTables(fb::ProgramT &program) {
  makePresent(program.types);
  makePresent(program.kernels);
  makePresent(program.weights);
  makePresent(program.distributions);
}

void octo::makeRequiredTables(fb::WorkflowT &workflow) {
  makePresent(workflow.values);
  makePresent(workflow.regions);
  makePresent(workflow.blocks);
  makePresent(workflow.profiles);
  makePresent(workflow.placement);
  makePresent(workflow.segments);
  makePresent(workflow.policy);
}

Expected<std::vector<uint8_t>> octo::writeProgram(fb::ProgramT &program) {
  program.major = kMajor;
  program.minor = kMinor;
  program.schema_hash = schemaHash();
  if (!program.machine)
    return makeError("a program needs a machine");
  makeRequiredTables(program);
  for (std::unique_ptr<fb::WorkflowT> &workflow : program.workflows) {
    if (!workflow)
      return makeError("a program has an absent workflow");
    makeRequiredTables(*workflow);
  }
  // FlatBuffers stops the process when a buffer passes its limit, so the bulk
  // is counted before.
  uint64_t bulk = program.weights->data.size();
  for (const std::unique_ptr<fb::ImageT> &image : program.images) {
    if (!image)
      return makeError("a program has an absent image");
    bulk += image->object.size();
  }
  if (bulk > maxFileBytes - (uint64_t(1) << 29))
    return makeError("images and inline weights have {} bytes; a program file "
                     "takes up to {}: keep large weights in files",
                     bulk, maxFileBytes - (uint64_t(1) << 29));

  flatbuffers::FlatBufferBuilder builder(1 << 20);
  fb::FinishProgramBuffer(builder, fb::Program::Pack(builder, &program));
  std::vector<uint8_t> bytes(builder.GetBufferPointer(),
                             builder.GetBufferPointer() + builder.GetSize());
  builder.Release();
  if (Expected<Program> checked = parseProgram(bytes, ""); !checked)
    return makeError("the program to be written is not valid: {}",
                     checked.error().message);
  return bytes;
}

std::string_view octo::stringAt(const fb::Program &program, uint32_t index) {
  const auto *strings = program.strings();
  return strings && index < strings->size() ? strings->Get(index)->string_view()
                                            : std::string_view();
}

std::vector<uint32_t> octo::workSymbols(const fb::KernelTable &kernels,
                                        uint32_t kernel) {
  std::vector<uint32_t> symbols;
  // Of the terms [begin, end) of a table; sizes are no symbols of their own.
  auto add = [&](const auto &table, uint32_t begin, uint32_t end) {
    if (begin != end)
      for (uint32_t s = table.symbol_offsets()->Get(begin);
           s < table.symbol_offsets()->Get(end); ++s)
        if (uint32_t symbol = table.symbols()->Get(s);
            (symbol & (counterMark | sizeMark)) != sizeMark)
          symbols.push_back(symbol);
  };
  if (const fb::WorkTable *work = kernels.work(); work && work->term_offsets())
    add(*work, work->term_offsets()->Get(kernel),
        work->term_offsets()->Get(kernel + 1));
  if (const fb::PhaseTable *phases = kernels.phases();
      phases && phases->phase_offsets()) {
    auto addForms = [&](uint32_t begin, uint32_t end) {
      if (begin != end)
        add(*phases, phases->form_offsets()->Get(begin),
            phases->form_offsets()->Get(end));
    };
    addForms(numPhaseForms * phases->phase_offsets()->Get(kernel),
             numPhaseForms * phases->phase_offsets()->Get(kernel + 1));
    uint32_t sizes = numPhaseForms * sizeOf(phases->kind());
    addForms(sizes + 2 * phases->size_offsets()->Get(kernel),
             sizes + 2 * phases->size_offsets()->Get(kernel + 1));
  }
  std::sort(symbols.begin(), symbols.end());
  symbols.erase(std::unique(symbols.begin(), symbols.end()), symbols.end());
  return symbols;
}
