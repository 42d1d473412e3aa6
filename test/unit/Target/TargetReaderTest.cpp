//===- TargetReaderTest.cpp - Target files --------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a good file gives, and the place and text of every error of a bad one.
//
//===----------------------------------------------------------------------===//

#include "TargetText.h"

#include "octo/Support/Sha256.h"
#include "octo/Target/TargetDesc.h"
#include "octo/Target/Topology.h"

#include "gtest/gtest.h"

#include <fstream>
#include <random>
#include <sstream>

using namespace octo;
using test::changed;
using test::targetText;

namespace {

TargetDesc parsed(std::string_view text) {
  Expected<TargetDesc> target = parseTarget(text, "t.yaml");
  if (!target) {
    ADD_FAILURE() << target.error().str();
    return {};
  }
  return *target;
}

std::string errorOf(std::string_view text) {
  Expected<TargetDesc> target = parseTarget(text, "t.yaml");
  return target ? std::string("no error") : target.error().str();
}

/// The error of the text with a change; it must begin with "t.yaml:".
void expectError(std::string_view from, std::string_view to,
                 std::string_view message) {
  EXPECT_EQ(errorOf(changed(from, to)), "t.yaml:" + std::string(message))
      << "for " << to;
}

TEST(TargetReader, EveryParameter) {
  TargetDesc t = parsed(targetText);
  EXPECT_EQ(t.name, "small");
  EXPECT_EQ(t.clockHz, 500500000u);
  EXPECT_EQ(t.dies, (Extent{2, 1}));
  EXPECT_EQ(t.clustersPerDie, (Extent{2, 3}));
  EXPECT_EQ(t.meshWidth(), 4u);
  EXPECT_EQ(t.meshHeight(), 3u);
  EXPECT_EQ(t.numPeas(), 12u * 2 * 4);
  EXPECT_EQ(t.pea.rows, 8u);
  EXPECT_EQ(t.pea.cols, 16u);
  EXPECT_EQ(t.pea.sramBytes, 65536u);
  EXPECT_EQ(t.pea.layout,
            (std::vector<PeaClass>{PeaClass::Matrix, PeaClass::Matrix,
                                   PeaClass::Vector, PeaClass::General}));
  EXPECT_EQ(t.pea.rates[0],
            (PeaRatesDesc{128 << 16, 4 << 16, 1 << 14, 1 << 15}));
  EXPECT_EQ(t.pea.rates[2], (PeaRatesDesc{8 << 16, 8 << 16, 1 << 16, 2 << 16}));
  EXPECT_EQ(t.scratchpad, (ScratchpadDesc{1 << 20, 32}));
  EXPECT_EQ(t.configStore, (ConfigStoreDesc{32768, 8, 16}));
  EXPECT_EQ(t.dataPlane, (DataPlaneDesc{16, 5, 2, 512}));
  EXPECT_EQ(t.dieLink, (DieLinkDesc{8, 12}));
  EXPECT_EQ(t.controlPlane, (ControlPlaneDesc{8, 98304, 2, 8, 4, 8, 50, 32}));
  EXPECT_EQ(t.host, (HostDesc{{0, 1}, 16, 8, 100}));
  ASSERT_EQ(t.hbmPorts.size(), 2u);
  EXPECT_EQ(t.hbmPorts[1], (HbmPortDesc{{0, 2}, uint64_t(2) << 30, 32, 80}));
  EXPECT_EQ(t.energy.macQ16, 294912u);
  EXPECT_EQ(t.energy.dieLinkByteQ16, 131072u);
  EXPECT_EQ(t.energy.clusterLeakageQ16, 20u << 16);
  ASSERT_EQ(t.defects.parts.size(), 3u);
  EXPECT_EQ(describe(t.defects.parts[0]), "PEA 3 of TBU 0 of cluster (1, 1)");
  EXPECT_EQ(describe(t.defects.parts[1]), "TBU 1 of cluster (2, 2)");
  EXPECT_EQ(describe(t.defects.parts[2]),
            "the link between cluster (0, 0) and cluster (1, 0)");
  ASSERT_EQ(t.faults.size(), 3u);
  EXPECT_EQ(t.faults[0].cycle, 1000u);
  EXPECT_EQ(describe(t.faults[0].part), "cluster (3, 2)");
  EXPECT_EQ(describe(t.faults[1].part), "HBM port 1");
  EXPECT_EQ(describe(t.faults[2].part), "the CBU of cluster (1, 0)");
}

TEST(TargetReader, WhatMayBeLeftOut) {
  std::string text(targetText);
  text.resize(text.find("defects:"));
  TargetDesc t = parsed(text);
  EXPECT_EQ(t.defects, DefectsDesc{});
  EXPECT_TRUE(t.faults.empty());
  // One die: its links; one class: it fills the layout.
  TargetDesc edge =
      *readTarget(std::string(OCTO_EXAMPLES_DIR) + "/targets/edge.yaml");
  EXPECT_EQ(edge.dieLink, (DieLinkDesc{16, 5}));
  EXPECT_EQ(edge.energy.dieLinkByteQ16, edge.energy.linkByteQ16);
  EXPECT_EQ(edge.pea.layout, std::vector<PeaClass>(4, PeaClass::General));
}

TEST(TargetReader, ShippedTargets) {
  for (auto [name, peas] : {std::pair("edge", 16u), std::pair("die", 1024u),
                            std::pair("wafer", 10000u)}) {
    Expected<TargetDesc> target =
        readTarget(fmt::format("{}/targets/{}.yaml", OCTO_EXAMPLES_DIR, name));
    ASSERT_TRUE(target) << target.error().str();
    EXPECT_EQ(target->name, name);
    EXPECT_GE(Topology(*target).livePeas(), peas);
  }
}

TEST(TargetReader, CanonicalTextReadsBack) {
  for (std::string text :
       {std::string(targetText), changed("name: small", "name: 'a\"\\b'")}) {
    TargetDesc t = parsed(text);
    std::string canonical = writeTarget(t);
    EXPECT_EQ(parsed(canonical), t);
    EXPECT_EQ(writeTarget(parsed(canonical)), canonical);
  }
  std::string rates = changed("{pea: 0, tbu: 0, link: 0}",
                              "{pea: 0.013, tbu: 1e-5, link: 0.37}");
  TargetDesc t = parsed(rates);
  EXPECT_EQ(parsed(writeTarget(t)), t);
}

TEST(TargetReader, DigestIsOfTheMachine) {
  TargetDesc t = parsed(targetText);
  EXPECT_EQ(digest(t), sha256Hex(writeTarget(expandDefects(t))));
  // Spelling does not count.
  EXPECT_EQ(digest(parsed("# comment\n" + changed("64KiB", "65536"))),
            digest(t));
  EXPECT_EQ(digest(parsed(changed("seed: 9", "seed: 10"))), digest(t));
  EXPECT_EQ(digest(expandDefects(t)), digest(t));
  // Everything else does.
  EXPECT_NE(digest(parsed(changed("resize_cycles: 32", "resize_cycles: 33"))),
            digest(t));
  EXPECT_NE(digest(parsed(changed("pea: [1, 1, 0, 3]", "pea: [1, 1, 0, 2]"))),
            digest(t));
  EXPECT_NE(digest(parsed(changed("cycle: 1000", "cycle: 999"))), digest(t));
}

/// The page of the format names every key that the canonical text has.
TEST(TargetReader, EveryKeyIsDocumented) {
  std::ifstream file(std::string(OCTO_EXAMPLES_DIR) +
                     "/../docs/target-file.md");
  std::stringstream page;
  page << file.rdbuf();
  ASSERT_FALSE(page.str().empty());
  std::string canonical = writeTarget(parsed(targetText));
  unsigned keys = 0;
  for (size_t at = 0; (at = canonical.find(':', at)) != canonical.npos; ++at) {
    size_t begin = at;
    while (begin > 0 &&
           (std::isalnum(canonical[begin - 1]) || canonical[begin - 1] == '_'))
      --begin;
    std::string key = canonical.substr(begin, at - begin);
    ++keys;
    bool found = false;
    for (const char *form : {"`{}`", "`{}.", ".{}`", "{{{},", " {}}}", "{}:"})
      found |= page.str().find(fmt::format(fmt::runtime(form), key)) !=
               std::string::npos;
    EXPECT_TRUE(found) << key;
  }
  EXPECT_GT(keys, 60u);
}

TEST(TargetReader, Sha256KnownAnswers) {
  EXPECT_EQ(sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca49"
                           "5991b7852b855");
  EXPECT_EQ(sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9c"
                              "b410ff61f20015ad");
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

TEST(TargetReader, Files) {
  Expected<TargetDesc> missing = readTarget("/nonexistent.yaml");
  EXPECT_EQ(missing.error().str(),
            "/nonexistent.yaml: error: cannot open the target file: No such "
            "file or directory; check the path, or use one of "
            "examples/targets");
  EXPECT_EQ(readTarget("/tmp").error().str(),
            "/tmp: error: this is a folder; expected a target file");
}

TEST(TargetReader, MalformedYaml) {
  EXPECT_EQ(errorOf(""),
            "t.yaml:1:1: error: expected one YAML document, found nothing");
  EXPECT_EQ(errorOf("a: 1\n---\nb: 2\n"),
            "t.yaml:1:1: error: expected one YAML document, found several");
  EXPECT_NE(errorOf("a: [1, 2\nb: 3\n").find(": error: malformed YAML: "),
            std::string::npos);
  EXPECT_EQ(errorOf(changed("name: small", "name: \"small")).substr(0, 7),
            "t.yaml:");
  EXPECT_EQ(errorOf("just text"),
            "t.yaml:1:1: error: expected a map with `octopus_target`, `name`, "
            "`clock_mhz`, `mesh`, `pea`, `scratchpad`, `config_store`, "
            "`data_plane`, `die_link`, `control_plane`, `host`, `hbm`, "
            "`energy_pj`, `defects` or `faults`, found `just text`");
}

TEST(TargetReader, Keys) {
  expectError("  rows: 8", "  row: 8",
              "10:3: error: `pea`: unknown key `row`; did you mean `rows`?");
  expectError("clock_mhz: 500.5", "frequency_of_the_clock: 500",
              "3:1: error: unknown key `frequency_of_the_clock`; the keys here "
              "are `octopus_target`, `name`, `clock_mhz`, `mesh`, `pea`, "
              "`scratchpad`, `config_store`, `data_plane`, `die_link`, "
              "`control_plane`, `host`, `hbm`, `energy_pj`, `defects` or "
              "`faults`");
  expectError("  cols: 16", "  rows: 16",
              "11:3: error: `pea`: key `rows` is given twice");
  expectError("  cols: 16\n", "", "10:3: error: `pea`: `cols` is missing");
  expectError("name: small\n", "", "1:1: error: `name` is missing");
  expectError("{x: 2, y: 1}", "{x: 2, [1]: 1}",
              "5:16: error: `mesh.dies`: expected a key, found a list");
  expectError("die_link: {bytes_per_cycle: 8, hop_cycles: 12}\n", "",
              "1:1: error: `die_link` is missing: the machine has several "
              "dies");
  expectError(
      "  layout: [matrix, matrix, vector, general]\n", "",
      "10:3: error: `pea`: `layout` is missing: with several classes it "
      "says which PEA of a TBU is of which class");
  expectError("  seed: 9\n", "",
              "51:3: error: `defects`: `seed` is missing: with `rates` it says "
              "which parts are dead");
}

TEST(TargetReader, Types) {
  expectError(
      "octopus_target: 1", "octopus_target: 2",
      "1:17: error: `octopus_target`: this version of Octopus reads "
      "target files of version 1; use a newer Octopus or write the file "
      "for version 1");
  expectError("rows: 8", "rows: eight",
              "10:9: error: `pea.rows`: expected an integer from 0 to "
              "4294967295, found `eight`");
  expectError("rows: 8", "rows: \"8\"",
              "10:9: error: `pea.rows`: expected an integer from 0 to "
              "4294967295, found the string `8`");
  expectError("rows: 8", "rows: -8",
              "10:9: error: `pea.rows`: expected an integer from 0 to "
              "4294967295, found `-8`");
  expectError("rows: 8", "rows: [8]",
              "10:9: error: `pea.rows`: expected an integer from 0 to "
              "4294967295, found a list");
  expectError("rows: 8", "rows:",
              "10:3: error: `pea.rows`: expected an integer from 0 to "
              "4294967295, found nothing");
  expectError("name: small", "name: {a: b}",
              "2:7: error: `name`: expected a string, found a map");
  expectError("clock_mhz: 500.5", "clock_mhz: fast",
              "3:12: error: `clock_mhz`: expected a number from 0 to 1000000, "
              "found `fast`");
  expectError("clock_mhz: 500.5", "clock_mhz: .nan",
              "3:12: error: `clock_mhz`: expected a number from 0 to 1000000, "
              "found `.nan`");
  expectError("clock_mhz: 500.5", "clock_mhz: '500'",
              "3:12: error: `clock_mhz`: expected a number from 0 to 1000000, "
              "found the string `500`");
  expectError("sram: 64KiB", "sram: 64KB",
              "12:9: error: `pea.sram`: expected a number of bytes, as 4096, "
              "4KiB, 4MiB or 4GiB, found `64KB`");
  expectError("sram: 64KiB", "sram: many",
              "12:9: error: `pea.sram`: expected a number of bytes, as 4096, "
              "4KiB, 4MiB or 4GiB, found `many`");
  expectError("sram: 64KiB", "sram: [1]",
              "12:9: error: `pea.sram`: expected a number of bytes, as 4096, "
              "4KiB, 4MiB or 4GiB, found a list");
  expectError("sram: 64KiB", "sram: 9999999999999GiB",
              "12:9: error: `pea.sram`: expected fewer bytes than 2^62, found "
              "`9999999999999GiB`");
  expectError(
      "link_buffer: 512", "link_buffer: 5GiB",
      "20:89: error: `data_plane.link_buffer`: expected fewer bytes than "
      "4GiB, found `5GiB`");
  expectError("[matrix, matrix, vector, general]",
              "[matrix, matrix, vectro, general]",
              "13:28: error: `pea.layout[2]`: expected `matrix`, `vector` or "
              "`general`, found `vectro`; did you mean `vector`?");
  expectError("[matrix, matrix, vector, general]",
              "[matrix, matrix, [], general]",
              "13:28: error: `pea.layout[2]`: expected `matrix`, `vector` or "
              "`general`, found a list");
  expectError("[matrix, matrix, vector, general]", "4",
              "13:11: error: `pea.layout`: expected a list, found `4`");
  expectError(
      "at: [0, 1]", "at: 0",
      "31:12: error: `host.at`: expected the coordinates of a cluster as "
      "[x, y], found `0`");
  expectError(
      "at: [0, 1]", "at: [0, 1, 2]",
      "31:12: error: `host.at`: expected a list of 2 elements, found 3");
  expectError(
      "special: 0.25", "special: 0",
      "15:44: error: `pea.rates.matrix.special`: expected a number above "
      "0; a class that is bad at a kind of work has a small rate for "
      "it");
  expectError(
      "{pea: 0, tbu: 0, link: 0}", "{pea: 1.5}",
      "56:16: error: `defects.rates.pea`: expected a number from 0 to 1, "
      "found `1.5`");
}

TEST(TargetReader, RatesOfNoClass) {
  std::string text(targetText);
  size_t from = text.find("    matrix:"), to = text.find("scratchpad:");
  text.replace(from, to - from, "    {}\n");
  EXPECT_EQ(errorOf(text),
            "t.yaml:15:5: error: `pea.rates`: expected the rates "
            "of at least one of `matrix`, `vector` or "
            "`general`");
}

TEST(TargetReader, Parts) {
  expectError("{pea: [1, 1, 0, 3]}", "{}",
              "52:7: error: `defects.parts[0]`: names no part; expected one of "
              "`pea`, `tbu`, `cluster`, `cbu`, `link` or `hbm`");
  expectError(
      "{pea: [1, 1, 0, 3]}", "{pea: [1, 1, 0, 3], tbu: [0, 0, 0]}",
      "52:7: error: `defects.parts[0]`: names both a `pea` and a `tbu`; "
      "make two entries");
  expectError("{cycle: 2000, hbm: 1}", "{cycle: 2000, hbm: 1, cbu: [0, 0]}",
              "59:5: error: `faults[1]`: names both a `cbu` and an `hbm` port; "
              "make two entries");
  expectError(
      "{pea: [1, 1, 0, 3]}", "{pea: 7}",
      "52:13: error: `defects.parts[0].pea`: expected [x, y, TBU, PEA], "
      "found `7`");
  expectError("{pea: [1, 1, 0, 3]}", "{pea: [1, 1]}",
              "52:13: error: `defects.parts[0].pea`: expected a list of 4 "
              "elements, found 2");
  expectError(
      "{pea: [1, 1, 0, 3]}", "{hbm: 0}",
      "52:8: error: `defects.parts[0]`: unknown key `hbm`; did you mean "
      "`tbu`?");
}

TEST(TargetReader, Ranges) {
  auto number = [](std::string_view from, std::string_view to,
                   std::string_view message) {
    expectError(from, to, message);
  };
  number("name: small", "name: ''",
         "2:7: error: `name`: expected 1 to 128 printable characters");
  number("name: small", "name: \"a\\nb\"",
         "2:7: error: `name`: expected 1 to 128 printable characters");
  number("clock_mhz: 500.5", "clock_mhz: 0",
         "3:12: error: `clock_mhz`: expected a number from 0.001 to 1000000, "
         "found 0");
  number("{x: 2, y: 1}", "{x: 0, y: 1}",
         "5:13: error: `mesh.dies.x`: expected an integer from 1 to 256, found "
         "0");
  number("{x: 2, y: 1}", "{x: 2, y: 999}",
         "5:19: error: `mesh.dies.y`: expected an integer from 1 to 256, found "
         "999");
  number(
      "{x: 2, y: 3}", "{x: 1025, y: 3}",
      "6:25: error: `mesh.clusters_per_die.x`: expected an integer from 1 to "
      "1024, found 1025");
  number(
      "{x: 2, y: 3}", "{x: 2, y: 0}",
      "6:31: error: `mesh.clusters_per_die.y`: expected an integer from 1 to "
      "1024, found 0");
  number("tbus_per_cluster: 2", "tbus_per_cluster: 65",
         "7:21: error: `mesh.tbus_per_cluster`: expected an integer from 1 to "
         "64, found 65");
  number("peas_per_tbu: 4", "peas_per_tbu: 0",
         "8:17: error: `mesh.peas_per_tbu`: expected an integer from 1 to 64, "
         "found 0");
  number("{x: 2, y: 3}", "{x: 1000, y: 1000}",
         "5:3: error: `mesh`: the machine has 16000000 PEAs; the most that "
         "Octopus takes is 4194304");
  number(
      "peas_per_tbu: 4", "peas_per_tbu: 5",
      "13:11: error: `pea.layout`: expected one class for each of the 5 PEAs "
      "of a TBU, found 4");
  number(
      "    vector: {mac: 16, vector: 32, special: 4, scalar: 1}\n", "",
      "13:11: error: `pea.layout`: the class `vector` has no rates; add them "
      "under `pea.rates`");
  number(
      "mac: 128", "mac: 99999999",
      "15:19: error: `pea.rates.matrix.mac`: expected a number above 0 and up "
      "to 16777216, found 99999999");
  number("rows: 8", "rows: 5000",
         "10:9: error: `pea.rows`: expected an integer from 1 to 4096, found "
         "5000");
  number("sram: 64KiB", "sram: 0",
         "12:9: error: `pea.sram`: expected an integer from 1 to "
         "1125899906842624, found 0");
  number(
      "{bytes: 1MiB, bytes_per_cycle: 32}", "{bytes: 1MiB, bytes_per_cycle: 0}",
      "18:44: error: `scratchpad.bytes_per_cycle`: expected an integer from 1 "
      "to 1048576, found 0");
  number(
      "link_buffer: 512", "link_buffer: 15",
      "20:89: error: `data_plane.link_buffer`: a buffer of 15 bytes does not "
      "hold one flit of 16 bytes");
  number("hop_cycles: 12", "hop_cycles: 0",
         "21:44: error: `die_link.hop_cycles`: expected an integer from 1 to "
         "100000000, found 0");
  number(
      "cb_cycles_per_scalar: 1.5", "cb_cycles_per_scalar: 10001",
      "24:25: error: `control_plane.cb_cycles_per_scalar`: expected a number "
      "from 0 to 10000, found `10001`");
  number(
      "at: [0, 1]", "at: [0, 3]",
      "31:12: error: `host.at`: cluster (0, 3) is off the mesh, which has 4 x "
      "3 clusters, numbered from 0");
  number(
      "at: [0, 2]", "at: [4, 2]",
      "34:10: error: `hbm[1].at`: cluster (4, 2) is off the mesh, which has 4 "
      "x 3 clusters, numbered from 0");
  number("mac: 4.5", "mac: 2e9",
         "36:8: error: `energy_pj.mac`: expected a number from 0 to "
         "1000000000, found `2e9`");
}

TEST(TargetReader, PlacesOfParts) {
  auto part = [](std::string_view to, std::string_view message) {
    expectError("{pea: [1, 1, 0, 3]}", to,
                fmt::format("52:7: error: `defects.parts[0]`: {}", message));
  };
  part("{pea: [1, 1, 0, 4]}", "there is no PEA 4: the last one is 3");
  part("{pea: [1, 1, 2, 3]}", "there is no TBU 2: the last one is 1");
  part("{pea: [4, 1, 0, 3]}", "cluster (4, 1) is off the mesh, which has 4 x 3 "
                              "clusters, numbered from 0");
  part("{link: [1, 1, 2, 2]}", "clusters (1, 1) and (2, 2) are not neighbours, "
                               "so no link joins them");
  expectError(
      "hbm: 1}", "hbm: 2}",
      "59:5: error: `faults[1]`: there is no HBM port 2: the last one is "
      "1");
  expectError("cycle: 1000", "cycle: 5000",
              "59:5: error: `faults[1]`: comes at cycle 2000, after a fault at "
              "cycle 5000; list faults in the order of their cycles");
}

TEST(TargetReader, MachinesThatAreDead) {
  expectError("{pea: [1, 1, 0, 3]}", "{cluster: [0, 1]}",
              "31:12: error: `host.at`: the host port is at cluster (0, 1), "
              "which the defects make dead; move one of them");
  expectError("{pea: 0, tbu: 0, link: 0}", "{pea: 1}",
              "51:3: error: `defects`: no PEA that the host port can reach is "
              "left; list fewer defects or lower the rates");
}

TEST(TargetReader, CheckTargetOfDescriptionsThatWereNotRead) {
  auto problem = [](auto &&change) {
    TargetDesc target = parsed(targetText);
    change(target);
    Expected<void> checked = checkTarget(target);
    return checked ? std::string("no error") : checked.error().message;
  };
  EXPECT_EQ(problem([](TargetDesc &) {}), "no error");
  EXPECT_EQ(problem([](TargetDesc &t) { t.pea.layout[1] = PeaClass(7); }),
            "`pea.layout`: there is no class 7");
  EXPECT_EQ(
      problem([](TargetDesc &t) { t.energy.macQ16 = ~uint64_t(0); }),
      "`energy_pj`: 281474976710655 pJ is more than the 1073741824 pJ that "
      "an event may cost");
  EXPECT_EQ(problem([](TargetDesc &t) { t.defects.peaRateQ32 = ~uint64_t(0); }),
            "`defects.rates.pea`: expected a number from 0 to 1");
  EXPECT_EQ(
      problem([](TargetDesc &t) { t.defects.parts[0].kind = PartKind::Cbu; }),
      "`defects.parts[0]`: expected a PEA, a TBU, a link or a cluster");
  EXPECT_EQ(
      problem([](TargetDesc &t) { t.controlPlane.cbCyclesPerScalarQ16 = ~0u; }),
      "`control_plane.cb_cycles_per_scalar`: expected a number from 0 to "
      "10000, found 65535.99998474121");
  EXPECT_EQ(problem([](TargetDesc &t) { t.hbmPorts.resize(70000); }),
            "`hbm`: expected an integer from 0 to 65536, found 70000");
}

/// Random changes of the text: an answer or an error, never a crash.
TEST(TargetReader, MutationsNeverCrash) {
  std::mt19937 random(20240517);
  constexpr std::string_view pieces[] = {
      "[",    "]",  "{",       "}",
      ":",    "-",  "\n",      " ",
      "&a ",  "*a", "!!x ",    "\"",
      "'",    "#",  "|",       "999999999999999999999",
      "-1",   "0",  "~",       "\t",
      "\xff", "? ", "x: ",     "1e400",
      "%",    "@",  "<<: *a\n"};
  unsigned good = 0, bad = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string text(targetText);
    for (unsigned k = 1 + random() % 3; k > 0; --k) {
      size_t at = random() % text.size();
      switch (random() % 4) {
      case 0:
        text.erase(at, 1 + random() % 12);
        break;
      case 1:
        text.insert(at, pieces[random() % std::size(pieces)]);
        break;
      case 2:
        text[at] = char(random());
        break;
      default:
        text.insert(at, text.substr(random() % text.size(), random() % 40));
      }
      if (text.empty())
        text = " ";
    }
    Expected<TargetDesc> target = parseTarget(text, "t.yaml");
    if (target) {
      ++good;
      EXPECT_EQ(*parseTarget(writeTarget(*target), "canonical"), *target);
    } else {
      ++bad;
      EXPECT_FALSE(target.error().message.empty());
    }
  }
  EXPECT_GT(good, 20u);
  EXPECT_GT(bad, 1000u);
}

TEST(TargetReader, DeepNestingIsAnError) {
  std::string text = "octopus_target: ";
  text.append(100000, '[');
  EXPECT_NE(errorOf(text).find("error: "), std::string::npos);
}

} // namespace
