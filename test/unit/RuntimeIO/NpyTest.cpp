//===- NpyTest.cpp - Tests of .npy and .npz files -------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Round trips, and what is said about files that are not what they claim.
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/Npy.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

using namespace octo;

namespace {

std::span<const std::byte> bytesOf(const std::string &text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// An .npy file of format 1.0 with this header and these elements.
std::string npy(const std::string &header, const std::string &elements) {
  std::string text("\x93NUMPY\1\0", 8);
  text += char(header.size() & 0xff);
  text += char(header.size() >> 8);
  return text + header + elements;
}

std::string messageOf(const std::string &file) {
  Expected<Tensor> tensor = parseNpy(bytesOf(file), "a.npy");
  return tensor ? "no error" : tensor.error().str();
}

std::string temporary(const char *name) {
  return testing::TempDir() + "octo_npy_" + name;
}

std::string readAll(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class AllKinds : public testing::TestWithParam<ElementKind> {};

TEST_P(AllKinds, RoundTrip) {
  ElementKind kind = GetParam();
  for (const std::vector<int64_t> &dims :
       {std::vector<int64_t>{}, {5}, {2, 3}, {0, 4}, {2, 1, 3}}) {
    Tensor tensor = Tensor::allocate(kind, dims);
    auto *data = static_cast<unsigned char *>(tensor.data());
    for (size_t i = 0; i < tensor.bytes(); ++i)
      data[i] = kind == ElementKind::I1 ? i % 2 : (unsigned char)(i * 37 + 5);
    std::string file = formatNpy(tensor);
    EXPECT_EQ((file.size() - tensor.bytes()) % 64, 0u);
    Expected<Tensor> read = parseNpy(bytesOf(file), "a.npy");
    ASSERT_TRUE(read) << read.error().str();
    EXPECT_EQ(read->kind(),
              kind == ElementKind::Index ? ElementKind::I64 : kind);
    ASSERT_EQ(std::vector<int64_t>(read->dims().begin(), read->dims().end()),
              dims);
    if (tensor.bytes())
      EXPECT_EQ(std::memcmp(read->data(), tensor.data(), tensor.bytes()), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Npy, AllKinds,
                         testing::Values(ElementKind::I1, ElementKind::I8,
                                         ElementKind::I16, ElementKind::I32,
                                         ElementKind::I64, ElementKind::Index,
                                         ElementKind::F16, ElementKind::BF16,
                                         ElementKind::F32, ElementKind::F64));

TEST(Npy, FortranOrderIsTurnedAround) {
  // numpy.asfortranarray([[1, 2, 3], [4, 5, 6]]) of int8.
  std::string file =
      npy("{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3), }\n",
          std::string("\1\4\2\5\3\6", 6));
  Expected<Tensor> read = parseNpy(bytesOf(file), "a.npy");
  ASSERT_TRUE(read) << read.error().str();
  const auto *data = read->as<int8_t>();
  EXPECT_EQ(std::vector<int8_t>(data, data + 6),
            (std::vector<int8_t>{1, 2, 3, 4, 5, 6}));
}

TEST(Npy, UnsignedIntegersAreReadAsBits) {
  std::string file =
      npy("{'descr': '<u2', 'fortran_order': False, 'shape': (1,), }\n",
          "\xff\xff");
  Expected<Tensor> read = parseNpy(bytesOf(file), "a.npy");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->kind(), ElementKind::I16);
  EXPECT_EQ(*read->as<int16_t>(), -1);
}

TEST(Npy, Errors) {
  const std::string good =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
  EXPECT_EQ(messageOf(npy(good, std::string(8, '\0'))), "no error");
  EXPECT_EQ(
      messageOf(""),
      "a.npy: error: not an .npy file: it does not begin with \\x93NUMPY; "
      "write it with numpy.save");
  EXPECT_EQ(messageOf(npy(good, std::string(7, '\0'))),
            "a.npy: error: the shape needs 8 bytes of elements, the file has 7 "
            "(truncated?)");
  EXPECT_EQ(messageOf(npy(good, std::string(9, '\0'))),
            "a.npy: error: the shape needs 8 bytes of elements, the file has 9 "
            "(something is appended)");
  std::string cut = npy(good, "").substr(0, 30);
  EXPECT_EQ(messageOf(cut), "a.npy: error: truncated: the header takes 58 "
                            "bytes, the file ends after 20");
  EXPECT_EQ(
      messageOf(
          npy("{'descr': '>f4', 'fortran_order': False, 'shape': ()}", "1234")),
      "a.npy: error: the array is big-endian ('>f4'); save it with "
      "array.astype('<f4')");
  EXPECT_EQ(
      messageOf(npy("{'descr': '<c8', 'fortran_order': False, 'shape': ()}",
                    "12345678")),
      "a.npy: error: arrays of type '<c8' cannot be read; save bool, int8 to "
      "int64, float16, float32 or float64 (or raw |V2 for bf16)");
  EXPECT_EQ(
      messageOf(npy("{'descr': [('x', '<f4')], 'fortran_order': False, "
                    "'shape': ()}",
                    "1234")),
      "a.npy: error: the array has records (a structured dtype); save plain "
      "numbers instead");
  EXPECT_EQ(messageOf(npy("{'descr': '|b1', 'fortran_order': False, 'shape': "
                          "(3,)}",
                          std::string("\0\1\2", 3))),
            "a.npy: error: element 2 of a bool array is 2; only 0 and 1 are "
            "bools");
  std::string future = npy(good, std::string(8, '\0'));
  future[6] = 9;
  EXPECT_EQ(messageOf(future),
            "a.npy: error: version 9.0 of the .npy format is "
            "not known; versions 1 to 3 are");
  for (const char *header :
       {"", "{", "{}", "['descr']", "{'descr': '<f4'}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': "
        "(2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x"})
    EXPECT_NE(messageOf(npy(header, std::string(8, '\0')))
                  .find("malformed .npy header"),
              std::string::npos)
        << header;
  EXPECT_NE(messageOf(npy("{'descr': '<f4', 'fortran_order': False, 'shape': "
                          "(4294967296, 4294967296, 4294967296)}",
                          "1234"))
                .find("needs more than 2^64 bytes"),
            std::string::npos);
}

TEST(Npy, MissingFile) {
  Expected<Tensor> read = readNpy("/nonexistent/x.npy");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().str(), "/nonexistent/x.npy: error: cannot be opened: "
                                "No such file or directory");
  read = readNpy(testing::TempDir());
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().str().find("cannot be read: Is a directory"),
            std::string::npos)
      << read.error().str();
}

Tensor iota(std::vector<int64_t> dims) {
  Tensor tensor = Tensor::allocate(ElementKind::F32, std::move(dims));
  for (int64_t i = 0; i < tensor.numElements(); ++i)
    tensor.as<float>()[i] = float(i);
  return tensor;
}

TEST(Npz, RoundTripAndEqualBytes) {
  std::vector<NamedTensor> arrays = {{"b", iota({2, 3})}, {"a", iota({})}};
  std::string first = temporary("1.npz"), second = temporary("2.npz");
  ASSERT_TRUE(writeNpz(first, arrays));
  ASSERT_TRUE(writeNpz(second, arrays));
  EXPECT_EQ(readAll(first), readAll(second));
  Expected<std::vector<NamedTensor>> read = readNpz(first);
  ASSERT_TRUE(read) << read.error().str();
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[0].first, "b");
  EXPECT_EQ((*read)[1].first, "a");
  EXPECT_EQ((*read)[0].second.as<float>()[5], 5.0f);
  EXPECT_EQ((*read)[1].second.rank(), 0u);
}

TEST(Npz, Empty) {
  std::string path = temporary("empty.npz");
  ASSERT_TRUE(writeNpz(path, {}));
  Expected<std::vector<NamedTensor>> read = readNpz(path);
  ASSERT_TRUE(read) << read.error().str();
  EXPECT_TRUE(read->empty());
}

TEST(Npz, DamageIsFound) {
  std::string path = temporary("damaged.npz");
  std::vector<NamedTensor> arrays = {{"x", iota({64})}};
  ASSERT_TRUE(writeNpz(path, arrays));
  std::string whole = readAll(path);
  auto write = [&](const std::string &bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  };
  write(whole.substr(0, whole.size() / 2));
  Expected<std::vector<NamedTensor>> read = readNpz(path);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().str().find("cannot be read as an .npz archive"),
            std::string::npos);
  // A flipped bit in an element breaks the checksum.
  std::string flipped = whole;
  flipped[30 + 5 + 128 + 100] ^= 1;
  write(flipped);
  read = readNpz(path);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().str().find("(x.npy): error: is damaged"),
            std::string::npos)
      << read.error().str();
}

/// A zip archive with one entry that states these things about itself.
std::string zip(const std::string &name, uint16_t method, uint32_t packed,
                uint32_t unpacked) {
  auto number = [](uint64_t value, unsigned bytes) {
    std::string text;
    for (; bytes; --bytes, value >>= 8)
      text += char(value & 0xff);
    return text;
  };
  std::string about = number(method, 2) + number(0, 2) + number(0x21, 2) +
                      number(0, 4) + number(packed, 4) + number(unpacked, 4) +
                      number(name.size(), 2) + number(0, 2);
  std::string local = "PK\3\4" + number(20, 2) + number(0, 2) + about + name +
                      std::string(packed, '\7');
  std::string central = "PK\1\2" + number(20, 2) + number(20, 2) +
                        number(0, 2) + about + number(0, 14) + name;
  return local + central + "PK\5\6" + number(0, 4) + number(1, 2) +
         number(1, 2) + number(central.size(), 4) + number(local.size(), 4) +
         number(0, 2);
}

TEST(Npz, EntriesThatCannotBeBelieved) {
  std::string path = temporary("odd.npz");
  constexpr uint16_t stored = 0, deflated = 8, unknown = 77;
  auto messageOfZip = [&](const std::string &bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
    Expected<std::vector<NamedTensor>> read = readNpz(path);
    return read ? "no error" : read.error().str();
  };
  auto expect = [&](const std::string &bytes, const std::string &message) {
    std::string found = messageOfZip(bytes);
    EXPECT_NE(found.find(message), std::string::npos)
        << "expected: " << message << "\n   found: " << found;
  };
  expect(zip("x.txt", stored, 4, 4),
         "entry `x.txt` is no .npy array; write the file with numpy.savez");
  std::vector<NamedTensor> arrays = {{"x", iota({1})}, {"y", iota({1})}};
  ASSERT_TRUE(writeNpz(path, arrays));
  std::string renamed = readAll(path);
  for (size_t at; (at = renamed.find("y.npy")) != std::string::npos;)
    renamed[at] = 'x';
  expect(renamed, "cannot be read as an .npz archive: File already exists");
  expect(zip("x.npy", deflated, 100, 4000000000),
         "(x.npy): error: claims 4000000000 bytes unpacked from 100 packed "
         "ones");
  expect(zip("x.npy", unknown, 100, 100), "(x.npy): error: cannot be opened");
  expect(zip("x.npy", deflated, 100, 100),
         "(x.npy): error: cannot be unpacked after 0 of 100 bytes");
}

// The other sizes may be of any size then: their product is not formed.
TEST(Npy, EmptyArraysOfHugeSizes) {
  Expected<Tensor> tensor =
      parseNpy(bytesOf(npy("{'descr': '<f4', 'fortran_order': False, "
                           "'shape': (3181333988194259040, 6, 0), }\n",
                           "")),
               "a.npy");
  ASSERT_TRUE(tensor) << tensor.error().str();
  EXPECT_EQ(tensor->numElements(), 0);
  EXPECT_EQ(tensor->bytes(), 0u);
  EXPECT_EQ(tensor->dim(0), 3181333988194259040);
}

// Whatever is done to a file, the reader ends with a value or a message.
TEST(Npz, MutationsNeverCrash) {
  std::string path = temporary("mutated.npz");
  std::vector<NamedTensor> arrays = {{"x", iota({3, 4})}, {"y", iota({7})}};
  ASSERT_TRUE(writeNpz(path, arrays));
  std::string whole = readAll(path);
  std::string single = formatNpy(iota({3, 4}));
  std::mt19937 random(1);
  unsigned errors = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = i % 2 ? whole : single;
    if (random() % 4 == 0)
      bytes.resize(random() % bytes.size());
    for (unsigned k = random() % 4; k && !bytes.empty(); --k)
      bytes[random() % bytes.size()] ^= char(1 << random() % 8);
    if (i % 2) {
      std::ofstream(path, std::ios::binary) << bytes;
      errors += !readNpz(path);
    } else {
      errors += !parseNpy(bytesOf(bytes), "a.npy");
    }
  }
  EXPECT_GT(errors, 500u);
}

} // namespace
