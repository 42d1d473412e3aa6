//===- KernelCacheTest.cpp - Tiers, and objects that are kept -------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The cache of objects on disk: what it tells apart, what it does with entries
// that are damaged, and how it is kept small; and the quick tier.
//
//===----------------------------------------------------------------------===//

#include "KernelFixture.h"

#include "octo/KernelCodegen/KernelCache.h"
#include "octo/Support/Sha256.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include <unistd.h>

using namespace octo;
using namespace octo::test;

namespace fs = std::filesystem;

namespace {

/// Adds `amount` to every element, divides by the second input.
std::string source(int amount) {
  return "func.func @k(%a: tensor<4xi32>, %d: i32) -> tensor<4xi32> {\n"
         "%c = arith.constant dense<" +
         std::to_string(amount) +
         "> : tensor<4xi32>\n"
         "%s = tensor.splat %d : tensor<4xi32>\n"
         "%0 = arith.addi %a, %c : tensor<4xi32>\n"
         "%1 = arith.divsi %0, %s : tensor<4xi32>\n"
         "return %1 : tensor<4xi32> }";
}

std::vector<KernelSource> sources(int count) {
  std::vector<KernelSource> result;
  for (int i = 0; i < count; ++i)
    result.push_back({"k" + std::to_string(i), source(i)});
  return result;
}

struct KernelCacheTest : testing::Test {
  fs::path folder;

  KernelCacheTest() {
    std::string name =
        (fs::temp_directory_path() / "octo-cache-XXXXXX").string();
    EXPECT_TRUE(mkdtemp(name.data()));
    folder = name;
  }
  ~KernelCacheTest() override { fs::remove_all(folder); }

  std::unique_ptr<KernelCache> open(const std::string &policy = "") {
    std::string error;
    std::unique_ptr<KernelCache> cache =
        KernelCache::open(folder.string(), policy, error);
    EXPECT_TRUE(cache) << error;
    return cache;
  }
  std::vector<fs::path> entries() const {
    std::vector<fs::path> result;
    for (const fs::directory_entry &entry : fs::directory_iterator(folder))
      if (entry.path().filename().string().starts_with("llvmcache-"))
        result.push_back(entry.path());
    return result;
  }
};

TEST_F(KernelCacheTest, KeepsWhatWasCompiled) {
  std::vector<KernelSource> all = sources(4);
  all.push_back(all[1]);
  std::vector<KernelImage> plain = compileKernels(all, portable(), 1);
  auto cache = open();
  std::vector<KernelImage> first =
      compileKernels(all, portable(), 2, cache.get());
  EXPECT_EQ(cache->getHits(), 0u);
  EXPECT_EQ(cache->getMisses(), 4u); // equal code is one kernel
  EXPECT_EQ(cache->getUnwritten(), 0u);
  EXPECT_EQ(entries().size(), 4u);
  cache = open();
  std::vector<KernelImage> again =
      compileKernels(all, portable(), 2, cache.get());
  EXPECT_EQ(cache->getHits(), 4u);
  EXPECT_EQ(cache->getMisses(), 0u);
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_TRUE(plain[i].errors.empty());
    EXPECT_EQ(plain[i].object, first[i].object);
    EXPECT_EQ(plain[i].object, again[i].object);
    EXPECT_EQ(plain[i].digest, again[i].digest);
  }
}

TEST_F(KernelCacheTest, TellsTargetsAndTiersApart) {
  std::string module = source(1), error;
  KernelTarget target = portable();
  std::vector<std::string> keys = {KernelCache::key(module, target),
                                   KernelCache::key(module + " ", target)};
  KernelTarget other = target;
  other.optLevel = 0;
  keys.push_back(KernelCache::key(module, other));
  other = target;
  other.cpu = "x86-64-v4";
  keys.push_back(KernelCache::key(module, other));
  other = target;
  other.triple += "-other";
  keys.push_back(KernelCache::key(module, other));
  EXPECT_EQ(keys[0], KernelCache::key(module, portable()));
  for (size_t i = 0; i < keys.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      EXPECT_NE(keys[i], keys[j]) << i << " and " << j;
}

TEST_F(KernelCacheTest, DamagedEntriesAreMadeAgain) {
  std::vector<KernelSource> one = sources(1);
  KernelImage good = compileKernels(one, portable(), 1, open().get()).front();
  ASSERT_EQ(entries().size(), 1u);
  fs::path entry = entries()[0];
  std::string bytes(fs::file_size(entry), '\0');
  std::ifstream(entry, std::ios::binary).read(bytes.data(), bytes.size());

  std::vector<std::string> damaged = {"",
                                      "octopus-kernel ",
                                      bytes.substr(0, bytes.size() - 1),
                                      bytes.substr(0, 40),
                                      bytes + "x",
                                      "other" + bytes};
  for (size_t at : {size_t(16), size_t(30), bytes.size() / 2, bytes.size() - 1})
    damaged.push_back(bytes), damaged.back()[at] ^= 0x20;
  for (const std::string &content : damaged) {
    SCOPED_TRACE(content.size());
    std::ofstream(entry, std::ios::binary | std::ios::trunc) << content;
    auto cache = open();
    KernelImage image = compileKernels(one, portable(), 1, cache.get()).front();
    EXPECT_EQ(cache->getDamaged(), 1u);
    EXPECT_EQ(cache->getMisses(), 1u);
    EXPECT_EQ(image.object, good.object);
    // It is whole again.
    cache = open();
    KernelImage read;
    EXPECT_TRUE(cache->read(KernelCache::key(one[0].module, portable()), read));
    EXPECT_EQ(read.object, good.object);
  }
}

TEST_F(KernelCacheTest, SeveralWritersAtOnce) {
  std::vector<KernelSource> all = sources(3);
  std::vector<KernelImage> images = compileKernels(all, portable(), 1);
  std::vector<std::thread> threads;
  std::atomic<unsigned> wrong = 0, found = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      auto cache = open();
      for (int round = 0; round < 50; ++round)
        for (size_t i = 0; i < all.size(); ++i) {
          std::string key = KernelCache::key(all[i].module, portable());
          KernelImage image;
          if (cache->read(key, image)) {
            ++found;
            wrong += image.object != images[i].object;
          }
          cache->write(key, images[i]);
        }
      wrong += unsigned(cache->getDamaged() + cache->getUnwritten());
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_GT(found, 400u);
  EXPECT_EQ(entries().size(), 3u);
}

TEST_F(KernelCacheTest, IsPrunedBySize) {
  auto cache = open("cache_size_bytes=8k:cache_size=0%:prune_interval=0s");
  KernelImage image;
  image.object.assign(3000, 'x');
  image.digest = sha256Hex(image.object);
  for (int i = 0; i < 6; ++i)
    cache->write(KernelCache::key(source(i), portable()), image);
  EXPECT_EQ(entries().size(), 6u);
  cache->prune();
  EXPECT_LE(entries().size(), 2u);
  EXPECT_GE(entries().size(), 1u);
}

TEST_F(KernelCacheTest, ErrorsAreNotKept) {
  std::vector<KernelSource> bad = {
      {"bad", "func.func @k(%a: tensor<*xf32>) { return }"}};
  auto cache = open();
  for (int i = 0; i < 2; ++i)
    EXPECT_FALSE(
        compileKernels(bad, portable(), 1, cache.get())[0].errors.empty());
  EXPECT_EQ(cache->getMisses(), 2u);
  EXPECT_TRUE(entries().empty());
}

TEST_F(KernelCacheTest, FoldersThatCannotBeUsed) {
  std::string error;
  fs::path file = folder / "file";
  std::ofstream(file) << "x";
  EXPECT_FALSE(KernelCache::open(file.string(), "", error));
  EXPECT_NE(error.find("name a folder"), std::string::npos) << error;
  EXPECT_FALSE(KernelCache::open((file / "sub").string(), "", error));
  EXPECT_NE(error.find("cannot use"), std::string::npos) << error;
  EXPECT_FALSE(KernelCache::open(folder.string(), "size=big", error));
  EXPECT_NE(error.find("'size=big'"), std::string::npos) << error;
  // A folder that goes away later costs the cache, not the compilation.
  auto cache = open();
  fs::remove_all(folder);
  KernelImage image = compileKernels(sources(1), portable(), 1, cache.get())[0];
  EXPECT_TRUE(image.errors.empty());
  EXPECT_FALSE(image.object.empty());
  EXPECT_EQ(cache->getUnwritten(), 1u);
}

TEST(KernelTier, QuickCodeDoesTheSame) {
  std::string error;
  KernelTarget quick = *resolveKernelTarget("portable", 0, error);
  std::vector<KernelSource> one = sources(1);
  KernelImage slow = compileKernels(one, portable(), 1)[0];
  KernelImage fast = compileKernels(one, quick, 1)[0];
  ASSERT_TRUE(fast.errors.empty());
  EXPECT_NE(slow.object, fast.object);
  for (const KernelImage *image : {&slow, &fast}) {
    KernelCode code;
    code.name = "tier";
    code.object = reinterpret_cast<const uint8_t *>(image->object.data());
    code.objectBytes = image->object.size();
    code.symbol = OCTO_KERNEL_SYMBOL;
    code.inputs = {tensor(i32, {4}), scalar(i32)};
    code.outputs = {tensor(i32, {4})};
    auto executor = load(code, portable().cpu);
    ASSERT_TRUE(executor) << executor.error().str();
    std::vector<Tensor> inputs = {make<int32_t>(i32, {4}, {9, -9, 100, 0}),
                                  Tensor::scalar<int32_t>(i32, 4)},
                        outputs(1);
    ASSERT_TRUE((*executor)->call(0, inputs, outputs, {}));
    EXPECT_EQ(values<int32_t>(outputs[0]),
              (std::vector<int32_t>{2, -2, 25, 0}));
    inputs[1] = Tensor::scalar<int32_t>(i32, 0);
    auto done = (*executor)->call(0, inputs, outputs, {});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().message, "integer division by zero");
  }
  EXPECT_TRUE(mlir::failed(resolveKernelTarget("portable", 1, error)));
  EXPECT_EQ(error, "there is no kernel tier 1; give 2 (optimised) or 0 (quick "
                   "to compile)");
}

/// The passes of a thread work on many kernels: nothing of one may be left in
/// the next, whichever came before.
TEST(KernelTier, KernelsDoNotDependOnTheirPredecessors) {
  std::vector<KernelSource> all = sources(3);
  all.push_back({"asserts", R"mlir(func.func @k(%a: i32) -> i32 {
    %c1 = arith.constant 1 : i32
    %0 = arith.cmpi sgt, %a, %c1 : i32
    cf.assert %0, "the first message"
    cf.assert %0, "the second message"
    return %a : i32
  })mlir"});
  all.push_back({"plain", "func.func @k(%a: i32) -> i32 { return %a : i32 }"});
  std::vector<KernelImage> together = compileKernels(all, portable(), 1);
  std::vector<KernelSource> backwards(all.rbegin(), all.rend());
  std::vector<KernelImage> reversed = compileKernels(backwards, portable(), 1);
  for (size_t i = 0; i < all.size(); ++i) {
    KernelImage alone = compile(all[i].module);
    EXPECT_TRUE(alone.errors.empty());
    EXPECT_EQ(together[i].object, alone.object) << all[i].name;
    EXPECT_EQ(reversed[all.size() - 1 - i].object, alone.object) << all[i].name;
  }
}

} // namespace
