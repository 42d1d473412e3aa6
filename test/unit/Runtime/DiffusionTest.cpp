//===- DiffusionTest.cpp - Conservation, contraction, what is left --------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/Diffusion.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numbers>
#include <numeric>
#include <random>

using namespace octo;

namespace {

using Links = std::vector<Diffusion::Link>;

Links wholeMesh(uint32_t width, uint32_t height) {
  return Diffusion::meshLinks(width, height,
                              [](uint32_t, uint32_t) { return true; });
}

/// A mesh of which some clusters and links are dead, by a seed.
Links brokenMesh(uint32_t width, uint32_t height, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<bool> dead(width * height);
  for (size_t i = 0; i < dead.size(); ++i)
    dead[i] = random() % 10 == 0;
  return Diffusion::meshLinks(width, height, [&](uint32_t i, uint32_t j) {
    return !dead[i] && !dead[j] && random() % 10 != 0;
  });
}

/// The parts of a graph, as the least node of each node's part.
std::vector<uint32_t> parts(uint32_t nodes, const Links &links) {
  std::vector<uint32_t> part(nodes);
  std::iota(part.begin(), part.end(), 0u);
  for (bool changed = true; changed;) {
    changed = false;
    for (auto [a, b] : links) {
      uint32_t least = std::min(part[a], part[b]);
      changed |= part[a] != part[b];
      part[a] = part[b] = least;
    }
  }
  return part;
}

/// The longest of all shortest ways within parts.
uint32_t diameter(uint32_t nodes, const Links &links) {
  uint32_t longest = 0;
  for (uint32_t from = 0; from < nodes; ++from) {
    std::vector<uint32_t> far(nodes, nodes);
    far[from] = 0;
    for (bool changed = true; changed;) {
      changed = false;
      for (auto [a, b] : links)
        for (auto [i, j] : {std::pair(a, b), std::pair(b, a)})
          if (far[i] + 1 < far[j])
            far[j] = far[i] + 1, changed = true;
    }
    for (uint32_t d : far)
      if (d < nodes)
        longest = std::max(longest, d);
  }
  return longest;
}

/// Eigenvalues of a symmetric matrix by Jacobi's rotations.
std::vector<double> eigenvalues(std::vector<std::vector<double>> a) {
  const size_t n = a.size();
  for (int sweep = 0; sweep < 60; ++sweep) {
    double off = 0;
    for (size_t p = 0; p < n; ++p)
      for (size_t q = p + 1; q < n; ++q) {
        off += a[p][q] * a[p][q];
        if (std::abs(a[p][q]) < 1e-15)
          continue;
        double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        double tangent = (theta >= 0 ? 1 : -1) /
                         (std::abs(theta) + std::sqrt(theta * theta + 1));
        double c = 1 / std::sqrt(tangent * tangent + 1), s = tangent * c;
        for (size_t k = 0; k < n; ++k) {
          double x = a[k][p], y = a[k][q];
          a[k][p] = c * x - s * y, a[k][q] = s * x + c * y;
        }
        for (size_t k = 0; k < n; ++k) {
          double x = a[p][k], y = a[q][k];
          a[p][k] = c * x - s * y, a[q][k] = s * x + c * y;
        }
      }
    if (off < 1e-22)
      break;
  }
  std::vector<double> result;
  for (size_t i = 0; i < n; ++i)
    result.push_back(a[i][i]);
  std::sort(result.begin(), result.end());
  return result;
}

/// Cybenko's factor for I - L / (1 + greatest degree): the second largest
/// absolute value of its eigenvalues, leaving out one 1 for each part.
double cybenkoFactor(uint32_t nodes, const Links &links) {
  std::vector<uint32_t> degree(nodes, 0);
  for (auto [a, b] : links)
    ++degree[a], ++degree[b];
  double alpha = 1.0 / (1 + *std::max_element(degree.begin(), degree.end()));
  std::vector<std::vector<double>> m(nodes, std::vector<double>(nodes, 0));
  for (uint32_t i = 0; i < nodes; ++i)
    m[i][i] = 1 - alpha * degree[i];
  for (auto [a, b] : links)
    m[a][b] = m[b][a] = alpha;
  std::vector<double> values = eigenvalues(m);
  std::vector<uint32_t> part = parts(nodes, links);
  size_t numParts = 0;
  for (uint32_t i = 0; i < nodes; ++i)
    numParts += part[i] == i;
  values.resize(values.size() - numParts);
  return std::max(std::abs(values.front()), std::abs(values.back()));
}

/// Distance from the even distribution within parts.
double imbalance(const std::vector<uint64_t> &load,
                 const std::vector<uint32_t> &part) {
  std::vector<long double> sum(load.size(), 0), count(load.size(), 0);
  for (size_t i = 0; i < load.size(); ++i)
    sum[part[i]] += load[i], count[part[i]] += 1;
  long double squares = 0;
  for (size_t i = 0; i < load.size(); ++i) {
    long double off = load[i] - sum[part[i]] / count[part[i]];
    squares += off * off;
  }
  return double(std::sqrt(squares));
}

uint64_t total(const std::vector<uint64_t> &load) {
  return std::accumulate(load.begin(), load.end(), uint64_t(0));
}

TEST(DiffusionTest, FactorOfAMeshIsTheClosedForm) {
  // Of a path of n nodes the least positive eigenvalue is 2 - 2 cos(pi / n).
  double expected = 1 - (2 - 2 * std::cos(std::numbers::pi / 8)) / 5;
  EXPECT_NEAR(cybenkoFactor(8 * 5, wholeMesh(8, 5)), expected, 1e-9);
}

TEST(DiffusionTest, DivisibleLoadContractsAsFastAsTheory) {
  struct Case {
    uint32_t width, height, seed; // seed 0: without defects
  };
  for (Case c : {Case{8, 8, 0}, Case{16, 4, 0}, Case{12, 1, 0}, Case{8, 8, 1},
                 Case{8, 8, 2}, Case{10, 6, 3}, Case{2, 1, 0}, Case{2, 2, 0}}) {
    SCOPED_TRACE(testing::Message()
                 << c.width << " x " << c.height << ", seed " << c.seed);
    const uint32_t nodes = c.width * c.height;
    Links links = c.seed ? brokenMesh(c.width, c.height, c.seed)
                         : wholeMesh(c.width, c.height);
    const double factor = cybenkoFactor(nodes, links);
    const std::vector<uint32_t> part = parts(nodes, links);
    Diffusion diffusion(nodes, links);
    std::vector<uint32_t> capacity(nodes, 1);
    std::mt19937_64 random(c.seed + 7);
    for (int shape = 0; shape < 3; ++shape) {
      std::vector<uint64_t> load(nodes, 0);
      for (uint64_t &x : load)
        x = shape == 0 ? random() >> 16 : 0;
      if (shape == 1) // everything on one node
        load[nodes / 3] = uint64_t(1) << 50;
      if (shape == 2) // the slowest mode: a slope along the longer side
        for (uint32_t i = 0; i < nodes; ++i)
          load[i] = (uint64_t(1) << 44) * (i % c.width);
      const uint64_t before = total(load);
      double was = imbalance(load, part);
      for (int round = 0; round < 200 && was > 1e6; ++round) {
        std::vector<uint64_t> last = load;
        std::span<const int64_t> flows = diffusion.round(load, capacity);
        ASSERT_EQ(total(load), before);
        for (size_t i = 0; i < links.size(); ++i) {
          last[links[i].a] -= uint64_t(flows[i]);
          last[links[i].b] += uint64_t(flows[i]);
        }
        ASSERT_EQ(last, load);
        // Rounding down keeps back less than a unit a link.
        const double now = imbalance(load, part);
        ASSERT_LE(now, factor * was + 4 * std::sqrt(nodes)) << round;
        was = now;
      }
    }
  }
}

TEST(DiffusionTest, IntegersEndWithinTheDiameter) {
  for (uint32_t seed = 0; seed < 24; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed + 100);
    const uint32_t width = 1 + random() % 12, height = 1 + random() % 8;
    const uint32_t nodes = width * height;
    Links links =
        seed % 2 ? brokenMesh(width, height, seed) : wholeMesh(width, height);
    const std::vector<uint32_t> part = parts(nodes, links);
    Diffusion diffusion(nodes, links);
    std::vector<uint32_t> capacity(nodes, 1);
    std::vector<uint64_t> load(nodes);
    for (uint64_t &x : load)
      x = random() % (seed % 3 ? 2000 : 6);
    const uint64_t before = total(load);
    uint64_t squares = ~uint64_t(0);
    int round = 0;
    for (bool moved = true; moved; ++round) {
      ASSERT_LT(round, 5000);
      moved = false;
      for (int64_t flow : diffusion.round(load, capacity))
        moved |= flow != 0;
      ASSERT_EQ(total(load), before);
      uint64_t now = 0;
      for (uint64_t x : load) {
        ASSERT_LE(x, before); // not below zero
        now += x * x;
      }
      // Whatever moves brings loads together: nothing can go on for ever.
      if (moved)
        ASSERT_LT(now, squares);
      squares = now;
    }
    for (auto [a, b] : links)
      EXPECT_LE(std::max(load[a], load[b]) - std::min(load[a], load[b]), 1u);
    std::vector<uint64_t> most(nodes, 0), least(nodes, ~uint64_t(0));
    for (uint32_t i = 0; i < nodes; ++i) {
      most[part[i]] = std::max(most[part[i]], load[i]);
      least[part[i]] = std::min(least[part[i]], load[i]);
    }
    const uint32_t far = diameter(nodes, links);
    for (uint32_t i = 0; i < nodes; ++i)
      if (part[i] == i)
        EXPECT_LE(most[i] - least[i], far);
  }
}

TEST(DiffusionTest, LoadFollowsCapacity) {
  const uint32_t width = 6, height = 5, nodes = width * height;
  std::mt19937 random(3);
  std::vector<uint32_t> capacity(nodes);
  for (uint32_t &c : capacity)
    c = 1 + random() % 16;
  capacity[7] = 0; // dead, with load of its own
  std::vector<uint64_t> load(nodes, 0);
  load[0] = 10'000'000;
  load[7] = 5;
  Diffusion diffusion(nodes, wholeMesh(width, height));
  for (int round = 0; round < 1500; ++round)
    diffusion.round(load, capacity);
  EXPECT_EQ(total(load), 10'000'005u);
  EXPECT_EQ(load[7], 5u);
  const double each =
      1e7 / double(std::accumulate(capacity.begin(), capacity.end(), 0u));
  for (uint32_t i = 0; i < nodes; ++i)
    if (capacity[i])
      EXPECT_NEAR(double(load[i]) / capacity[i], each, 12) << i;
}

TEST(DiffusionTest, RoundsGrowWithTheSquareOfTheSide) {
  // Until a hundredth of the imbalance of one loaded corner is left.
  auto rounds = [](uint32_t side) {
    const uint32_t nodes = side * side;
    Diffusion diffusion(nodes, wholeMesh(side, side));
    std::vector<uint32_t> capacity(nodes, 1), part(nodes, 0);
    std::vector<uint64_t> load(nodes, 0);
    load[0] = uint64_t(1) << 50;
    const double first = imbalance(load, part);
    int count = 0;
    for (; imbalance(load, part) > first / 100; ++count)
      diffusion.round(load, capacity);
    return count;
  };
  const double ratio = double(rounds(16)) / rounds(8);
  EXPECT_GT(ratio, 3);
  EXPECT_LT(ratio, 5);
}

TEST(DiffusionTest, WhatCannotBeDividedIsHandedOverWhenThatHelps) {
  EXPECT_TRUE(worthHandingOver(10, 0, 1, 1, 9)); // 9 against 1: still better
  EXPECT_FALSE(worthHandingOver(10, 0, 1, 1, 10));
  EXPECT_FALSE(worthHandingOver(10, 10, 1, 1, 1));
  EXPECT_FALSE(worthHandingOver(5, 0, 1, 1, 6)); // there are only 5
  // Four times the capacity there: the whole load is better off.
  EXPECT_TRUE(worthHandingOver(10, 0, 1, 4, 10));
  EXPECT_FALSE(worthHandingOver(10, 0, 1, 0, 1));
  EXPECT_EQ(diffusionFlow(100, 0, 1, 1, 4), 20);
  EXPECT_EQ(diffusionFlow(0, 100, 1, 1, 4), -20);
  EXPECT_EQ(diffusionFlow(100, 0, 0, 1, 4), 0);
  // Loads of any size.
  EXPECT_EQ(diffusionFlow(~uint64_t(0), 0, 7, 7, 4), int64_t(~uint64_t(0) / 5));
}

} // namespace
