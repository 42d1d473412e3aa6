//===- ProgramTest.cpp - Program files ------------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writing and loading: versions, damage, the golden file, mutations, JSON.
//
//===----------------------------------------------------------------------===//

#include "octo/Program/Program.h"
#include "SampleProgram.h"

#include "octo/Program/Distribution.h"
#include "octo/Program/MachineTable.h"
#include "octo/Program/Philox.h"
#include "octo/Support/OutputFile.h"

#include "gtest/gtest.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace octo;

namespace {

std::string messageOf(const Expected<Program> &result) {
  return result ? "no error" : result.error().str();
}

/// A file of its own for a test, removed at its end.
struct ScratchFile {
  std::string path = testing::TempDir() + "octo-program-test-" +
                     std::to_string(::getpid()) + ".octo";
  ~ScratchFile() { std::filesystem::remove(path); }
};

std::vector<uint8_t> sampleBytes() {
  fb::ProgramT program = test::sampleProgram();
  Expected<std::vector<uint8_t>> bytes = writeProgram(program);
  if (!bytes) {
    ADD_FAILURE() << bytes.error().str();
    return {};
  }
  return *bytes;
}

TEST(Program, WritingIsDeterministic) {
  std::vector<uint8_t> first = sampleBytes();
  EXPECT_EQ(first, sampleBytes());
  // Unpacked and written again it is the same file.
  Expected<Program> program = parseProgram(first, "sample");
  ASSERT_TRUE(program) << program.error().str();
  std::unique_ptr<fb::ProgramT> unpacked((*program)->UnPack());
  EXPECT_EQ(*writeProgram(*unpacked), first);
}

TEST(Program, SaveAndLoad) {
  ScratchFile file;
  std::vector<uint8_t> bytes = sampleBytes();
  ASSERT_TRUE(writeWholeFile(file.path, bytes));
  Expected<Program> program = loadProgram(file.path);
  ASSERT_TRUE(program) << program.error().str();
  EXPECT_EQ(program->name(), file.path);
  EXPECT_TRUE(std::equal(program->bytes().begin(), program->bytes().end(),
                         bytes.begin(), bytes.end()));
  EXPECT_EQ((*program)->workflows()->Get(0)->name()->str(), "sample");
  // A copy keeps the bytes alive.
  Program copy = *program;
  program = makeError("gone");
  EXPECT_EQ(copy->schema_hash(), schemaHash());
}

TEST(Program, WriterChecksItsInput) {
  fb::ProgramT empty;
  EXPECT_EQ(writeProgram(empty).error().message, "a program needs a machine");
  fb::ProgramT wrong = test::sampleProgram();
  wrong.workflows[0]->blocks->kernel[0] = 99;
  Expected<std::vector<uint8_t>> bytes = writeProgram(wrong);
  ASSERT_FALSE(bytes);
  EXPECT_NE(bytes.error().message.find(
                "the program to be written is not valid: workflow 'sample': "
                "blocks.kernel[0] is 99, but there are 4 kernels"),
            std::string::npos)
      << bytes.error().message;
  fb::ProgramT holes = test::sampleProgram();
  holes.workflows.push_back(nullptr);
  EXPECT_EQ(writeProgram(holes).error().message,
            "a program has an absent workflow");
  fb::ProgramT images = test::sampleProgram();
  images.images.push_back(nullptr);
  EXPECT_EQ(writeProgram(images).error().message,
            "a program has an absent image");
}

TEST(Program, FilesThatAreNone) {
  EXPECT_EQ(messageOf(loadProgram("/nonexistent.octo")),
            "/nonexistent.octo: error: cannot open the program file: No such "
            "file or directory");
  EXPECT_NE(messageOf(loadProgram("/tmp")).find("this is no regular file"),
            std::string::npos);
  EXPECT_EQ(messageOf(parseProgram({}, "a.octo")),
            "a.octo: error: the file is empty; compile the program again");
  ScratchFile file;
  std::ofstream(file.path).close();
  EXPECT_NE(messageOf(loadProgram(file.path)).find("the file is empty"),
            std::string::npos);
  std::vector<uint8_t> text(100, 'x');
  EXPECT_NE(messageOf(parseProgram(text, "a.octo"))
                .find("this is not an Octopus program"),
            std::string::npos);
  std::vector<uint8_t> tiny = {8, 0, 0, 0, 'O', 'C', 'T', 'O'};
  EXPECT_NE(messageOf(parseProgram(tiny, "a.octo"))
                .find("its header leads outside of it"),
            std::string::npos);
}

TEST(Program, Versions) {
  auto withVersion = [](uint16_t major, uint16_t minor, uint64_t hash) {
    fb::ProgramT program = test::sampleProgram();
    program.major = major;
    program.minor = minor;
    program.schema_hash = hash;
    return messageOf(parseProgram(test::pack(program), "v.octo"));
  };
  std::string range =
      fmt::format("this Octopus reads {}.0 to {}.{}: ", kMajor, kMajor, kMinor);
  EXPECT_EQ(withVersion(kMajor + 1, 0, 0),
            fmt::format("v.octo: error: the program has format {}.0; {}use a "
                        "newer Octopus, or compile it again with this one",
                        kMajor + 1, range));
  EXPECT_EQ(withVersion(kMajor, kMinor + 1, 0),
            fmt::format("v.octo: error: the program has format {}.{}; {}use a "
                        "newer Octopus, or compile it again with this one",
                        kMajor, kMinor + 1, range));
  EXPECT_EQ(withVersion(0, 7, 0),
            "v.octo: error: the program has format 0.7; " + range +
                "compile it again with this Octopus");
  EXPECT_NE(withVersion(kMajor, kMinor, 1234)
                .find("was written with another "
                      "draft of format"),
            std::string::npos);
}

TEST(Program, FutureMajorIsToldEvenIfTheRestIsForeign) {
  // Only the header of a later format can be relied on.
  flatbuffers::FlatBufferBuilder builder;
  flatbuffers::uoffset_t table = builder.StartTable();
  builder.AddElement<uint16_t>(4, 9, 0);
  builder.AddElement<uint16_t>(6, 3, 0);
  builder.Finish(flatbuffers::Offset<fb::Program>(builder.EndTable(table)),
                 "OCTO");
  std::vector<uint8_t> bytes(builder.GetBufferPointer(),
                             builder.GetBufferPointer() + builder.GetSize());
  EXPECT_NE(messageOf(parseProgram(bytes, "f")).find("has format 9.3"),
            std::string::npos);
}

//===----------------------------------------------------------------------===//
// Golden files
//===----------------------------------------------------------------------===//

std::string goldenPath(unsigned minor) {
  return fmt::format("{}/golden-{}.{}.octo", OCTO_TEST_DATA_DIR, kMajor, minor);
}

/// Every minor version that was ever released loads, for good.
TEST(Program, GoldenFilesLoad) {
  if (std::getenv("OCTO_WRITE_GOLDEN"))
    ASSERT_TRUE(writeWholeFile(goldenPath(kMinor), sampleBytes()));
  for (unsigned minor = 0; minor <= kMinor; ++minor) {
    Expected<Program> program = loadProgram(goldenPath(minor));
    ASSERT_TRUE(program) << program.error().str();
    const fb::Workflow *workflow = (*program)->workflows()->Get(0);
    EXPECT_EQ(workflow->name()->str(), "sample");
    EXPECT_EQ(workflow->blocks()->kind()->size(), 12u);
    EXPECT_EQ((*program)->distributions()->x()->Get(
                  (*program)->distributions()->knot_offsets()->Get(1)),
              3);
    // Since 1.1.
    EXPECT_EQ(workflow->request_path() != nullptr, minor >= 1);
  }
}

/// The present format has its golden file, made of the sample program.
TEST(Program, GoldenFileIsTheSample) {
  std::ifstream file(goldenPath(kMinor), std::ios::binary);
  std::vector<char> golden((std::istreambuf_iterator<char>(file)), {});
  std::vector<uint8_t> sample = sampleBytes();
  EXPECT_TRUE(std::equal(
      golden.begin(), golden.end(), sample.begin(), sample.end(),
      [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; }))
      << "the bytes of the sample program changed; a change of the format "
         "needs "
         "a new minor version (docs/program-format.md). Before the first "
         "release, OCTO_WRITE_GOLDEN=1 writes the file anew";
}

//===----------------------------------------------------------------------===//
// Damage
//===----------------------------------------------------------------------===//

/// Reads everything of a program that was accepted.
void useAll(const Program &program) {
  EXPECT_FALSE(programToJson(*program).empty());
  EXPECT_FALSE(describeProgram(*program).empty());
  ASSERT_TRUE(readMachineTable(*program->machine()));
  for (uint32_t i = 0; i < program->distributions()->mean_q16()->size(); ++i)
    EXPECT_GE(Distribution::fromTable(*program->distributions(), i)
                  .sample(uint64_t(1) << 63),
              0);
}

TEST(Program, EveryTruncationIsAnError) {
  std::vector<uint8_t> bytes = sampleBytes();
  for (size_t size = 0; size < bytes.size(); size += size < 256 ? 1 : 61) {
    std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + long(size));
    Expected<Program> result = parseProgram(cut, "cut");
    EXPECT_FALSE(result) << size;
  }
}

TEST(Program, MutationsNeverCrash) {
  std::vector<uint8_t> golden = sampleBytes();
  // The same without the long table of a distribution, so that most mutations
  // hit the structure.
  fb::ProgramT program = test::sampleProgram();
  *program.distributions = {};
  addDistribution(*program.distributions, Distribution::constant(10000));
  addDistribution(*program.distributions, Distribution::constant(3));
  std::vector<uint8_t> lean = *writeProgram(program);

  // More on request, for a long run.
  const char *wanted = std::getenv("OCTO_FUZZ_MUTATIONS");
  const uint32_t mutations = wanted ? uint32_t(std::atoi(wanted)) : 20000;
  unsigned accepted = 0;
  for (uint32_t i = 0; i < mutations; ++i) {
    std::vector<uint8_t> bytes = i % 2 ? golden : lean;
    uint32_t draw = 0;
    PhiloxBlock block{};
    auto random = [&]() -> uint32_t {
      if (draw % 4 == 0)
        block = philox4x32({i, draw / 4, 0, 0}, {0xf422, 0});
      return block[draw++ % 4];
    };
    switch (random() % 8) {
    case 0:
      bytes.resize(random() % bytes.size());
      break;
    case 1: // A word becomes extreme.
      for (unsigned k = 0; k < 4; ++k) {
        constexpr uint32_t values[] = {0, 1, 0x7fffffff, 0x80000000,
                                       0xffffffff};
        uint32_t value = values[random() % 5];
        size_t at = random() % (bytes.size() / 4) * 4;
        std::memcpy(bytes.data() + at, &value, 4);
        if (random() % 2)
          break;
      }
      break;
    case 2: { // A stretch is copied over another.
      size_t size = 1 + random() % 64;
      size_t from = random() % (bytes.size() - size);
      size_t to = random() % (bytes.size() - size);
      std::memmove(bytes.data() + to, bytes.data() + from, size);
      break;
    }
    case 3: { // A number moves a little.
      size_t at = random() % (bytes.size() / 4) * 4;
      uint32_t value;
      std::memcpy(&value, bytes.data() + at, 4);
      value += random() % 2 ? 1 + random() % 4 : -(1 + random() % 4);
      std::memcpy(bytes.data() + at, &value, 4);
      break;
    }
    default: // Bits flip.
      for (unsigned k = 1 + random() % 8; k > 0; --k)
        bytes[random() % bytes.size()] ^= uint8_t(1u << random() % 8);
    }
    Expected<Program> result = parseProgram(bytes, "mutated");
    if (result) {
      ++accepted;
      useAll(*result);
    } else {
      EXPECT_FALSE(result.error().message.empty());
    }
  }
  // Much of the file is numbers that may be anything (rates, priorities,
  // texts), so many mutants are valid programs; neither kind may be missing.
  EXPECT_GT(accepted, mutations / 20);
  EXPECT_LT(accepted, mutations * 19 / 20);
}

TEST(Program, MisalignedVectorsAreRejected) {
  // Move the vector of HBM ports, whose elements need 8 bytes, by 4: a vector's
  // length is all that FlatBuffers' verifier looks at.
  fb::ProgramT program = test::sampleProgram();
  program.machine->hbm.emplace_back(0, 64, 100, 0, 1 << 20);
  program.target_digest.clear();
  std::vector<uint8_t> bytes = test::pack(program);
  ASSERT_TRUE(parseProgram(bytes, ""));
  const fb::Machine *machine = fb::GetProgram(bytes.data())->machine();
  auto *length =
      const_cast<uint8_t *>(reinterpret_cast<const uint8_t *>(machine->hbm()));
  uint32_t one = 1;
  std::memcpy(length + 4, &one, 4);
  auto *field = const_cast<uint8_t *>(
      reinterpret_cast<const flatbuffers::Table *>(machine)->GetAddressOf(
          fb::Machine::VT_HBM));
  uint32_t offset;
  std::memcpy(&offset, field, 4);
  offset += 4;
  std::memcpy(field, &offset, 4);
  Expected<Program> result = parseProgram(bytes, "");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find(
                "a vector is not aligned to its elements' 8 bytes"),
            std::string::npos)
      << result.error().message;
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

TEST(Program, Json) {
  Expected<Program> program = parseProgram(sampleBytes(), "sample");
  ASSERT_TRUE(program);
  std::string text = programToJson(**program);
  EXPECT_EQ(text, programToJson(**program));
  nlohmann::json json = nlohmann::json::parse(text);
  EXPECT_EQ(json["major"], kMajor);
  EXPECT_EQ(json["machine"]["clusters_x"], 2);
  EXPECT_EQ(json["machine"]["dead_peas"], nlohmann::json({31}));
  EXPECT_EQ(json["machine"]["faults"][0]["kind"], "Tbu");
  EXPECT_EQ(json["types"]["element"][1], "Index");
  EXPECT_EQ(json["kernels"]["kind"],
            nlohmann::json({"Image", "Profiled", "Image", "Join"}));
  EXPECT_EQ(json["kernels"]["name"][0], "body");
  EXPECT_EQ(json["weights"]["path"],
            nlohmann::json({nullptr, nullptr, "external.bin"}));
  EXPECT_EQ(json["weights"]["data_bytes"], 16);
  EXPECT_EQ(json["distributions"]["x"].back(), 3);
  const nlohmann::json &workflow = json["workflows"][0];
  EXPECT_EQ(workflow["blocks"]["kind"][4], "Loop");
  EXPECT_EQ(workflow["blocks"]["path"][8], "sample/route/0/hard");
  EXPECT_EQ(workflow["blocks"]["kernel"][3], nullptr);
  EXPECT_EQ(workflow["placement"]["replicas"][2]["standby"], true);
  EXPECT_EQ(workflow["segments"]["slots"][1]["start"], 110);
  EXPECT_EQ(workflow["policy"]["reason"][0], "profiled with one value");
  EXPECT_EQ(workflow["decisions"]["candidates"][1]["score"], -5);
}

TEST(Program, JsonOfNamesThatAreNotUtf8) {
  fb::ProgramT program = test::sampleProgram();
  program.workflows[0]->name = "\xff\xfe";
  Expected<Program> parsed = parseProgram(test::pack(program), "");
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(nlohmann::json::accept(programToJson(**parsed)));
}

TEST(Program, Describe) {
  Expected<Program> program = parseProgram(sampleBytes(), "sample");
  ASSERT_TRUE(program);
  std::string text = describeProgram(**program);
  for (const char *part :
       {"format       1.1\n",
        "sample: 1 die of 2 x 2 clusters, 2 TBUs a cluster, 4 PEAs a TBU, 1000 "
        "MHz\n",
        "31 live of 32 (4 of 4 clusters reachable, 1 dead link)\n",
        "2 with code, 1 profiled, 1 for joins; 16.0 KiB of configuration\n",
        "sample: 2 arguments -> 1 result; 8 tasks, 1 switch, 1 select, 1 loop, "
        "1 fan-out in 8 regions\n",
        "13 active replicas, 1 standby, on 4 clusters\n",
        "1 segment with 2 slots, 1 streamed flow\n",
        "a request is predicted to take 60000 cycles, 99 % at most 95000\n"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(Program, MachineTableRoundTrip) {
  for (const char *name : {"edge", "die", "wafer"}) {
    Expected<TargetDesc> target =
        readTarget(fmt::format("{}/targets/{}.yaml", OCTO_EXAMPLES_DIR, name));
    ASSERT_TRUE(target) << target.error().str();
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(fb::Machine::Pack(builder, makeMachineTable(*target).get()));
    const auto *machine =
        flatbuffers::GetRoot<fb::Machine>(builder.GetBufferPointer());
    Expected<TargetDesc> back = readMachineTable(*machine);
    ASSERT_TRUE(back) << back.error().str();
    EXPECT_EQ(*back, expandDefects(*target));
    EXPECT_EQ(digest(*back), digest(*target));
  }
}

/// 100,000 blocks load and pass every check in well under 50 ms on one core;
/// the bound here leaves room for a busy machine and sanitizers.
TEST(Program, LargeProgramLoadsFast) {
  fb::ProgramT program = test::chainProgram(100000);
  std::vector<uint8_t> bytes = test::pack(program);
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    auto start = std::chrono::steady_clock::now();
    Expected<Program> result = parseProgram(bytes, "large");
    std::chrono::duration<double, std::milli> taken =
        std::chrono::steady_clock::now() - start;
    ASSERT_TRUE(result) << result.error().str();
    best = std::min(best, taken.count());
  }
  RecordProperty("milliseconds", std::to_string(best));
#if !OCTO_CHECKS
  EXPECT_LT(best, 150);
#endif
}

} // namespace
