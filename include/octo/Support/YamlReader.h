//===- YamlReader.h - Reading YAML against a schema -------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thin layer over yaml-cpp that turns every departure from a schema (unknown
// or repeated key, wrong type, missing value, number out of range) into a
// Diagnostic with line and column. It throws inside and is to be included only
// by .cpp files; `yaml::read` is the border where exceptions become values.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_SUPPORT_YAMLREADER_H
#define OCTO_SUPPORT_YAMLREADER_H

#include "octo/Support/Diagnostic.h"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <istream>
#include <limits>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace octo::yaml {

/// Thrown inside `yaml::read` only.
struct SchemaError {
  Diagnostic diagnostic;
};

/// Line and column, from 1.
struct Place {
  unsigned line = 0;
  unsigned column = 0;
};

/// The file being read, and where each value that was looked at stands.
struct Source {
  std::string name;
  std::map<std::string, Place, std::less<>> places;
};

/// Insertions, deletions and substitutions that make `a` into `b`.
inline size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t substituted = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

/// "; did you mean `key`?" for the nearest of `names`, or nothing when none is
/// near.
template <class Names>
std::string didYouMean(std::string_view found, const Names &names) {
  // Names of keys are short; a long stray one is no slip of the finger.
  if (found.size() > 64)
    return {};
  std::string_view best;
  size_t bestDistance = std::max<size_t>(2, found.size() / 3) + 1;
  for (std::string_view name : names) {
    size_t distance = editDistance(found, name);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = name;
    }
  }
  return best.empty() ? std::string()
                      : fmt::format("; did you mean `{}`?", best);
}

/// `names` as "`a`, `b` or `c`".
template <class Names>
std::string listNames(const Names &names) {
  std::string text;
  size_t i = 0, n = std::size(names);
  for (std::string_view name : names) {
    text += fmt::format("{}`{}`",
                        i == 0       ? ""
                        : i + 1 == n ? " or "
                                     : ", ",
                        name);
    ++i;
  }
  return text;
}

class Map;

/// A value of the document, with its path ("mesh.dies.x") for messages.
class Value {
public:
  /// `ifNothing` is the place to tell for an empty value, which the parser
  /// puts where the next thing begins.
  Value(YAML::Node node, Source &source, std::string path, Place ifNothing = {})
      : node(node), source(&source), path(std::move(path)),
        ifNothing(ifNothing) {
    source.places[this->path] = place();
  }

  const std::string &getPath() const { return path; }

  Place place() const {
    if (node.IsNull() && ifNothing.line)
      return ifNothing;
    YAML::Mark mark = node.Mark();
    if (mark.is_null())
      return {};
    return {unsigned(mark.line) + 1, unsigned(mark.column) + 1};
  }

  /// Stops the reading: `message` follows the path of the value.
  [[noreturn]] void fail(std::string_view message) const {
    Place at = place();
    std::string text = path.empty() ? std::string(message)
                                    : fmt::format("`{}`: {}", path, message);
    throw SchemaError{{source->name, at.line, at.column, std::move(text)}};
  }

  [[noreturn]] void expected(std::string_view what) const {
    fail(fmt::format("expected {}, found {}", what, found()));
  }

  /// Where the value with a path stands, or else the nearest one around it.
  Place placeOf(std::string_view wanted) const {
    while (!wanted.empty()) {
      if (auto it = source->places.find(wanted); it != source->places.end())
        return it->second;
      size_t cut = wanted.find_last_of(".[");
      wanted = wanted.substr(0, cut == std::string_view::npos ? 0 : cut);
    }
    return place();
  }

  /// The diagnostic with the name of the file that is read.
  Diagnostic withFile(Diagnostic diagnostic) const {
    diagnostic.file = source->name;
    return diagnostic;
  }

  bool isMap() const { return node.IsMap(); }
  bool isList() const { return node.IsSequence(); }
  bool isScalar() const { return node.IsScalar(); }
  /// A scalar without quotes: a number or a word.
  bool isPlain() const { return node.IsScalar() && node.Tag() != "!"; }

  /// A non-negative integer in [low, high].
  uint64_t integer(uint64_t low, uint64_t high) const {
    std::string what = high == std::numeric_limits<uint64_t>::max()
                           ? fmt::format("an integer of at least {}", low)
                           : fmt::format("an integer from {} to {}", low, high);
    if (!isPlain())
      expected(what);
    const std::string &text = node.Scalar();
    uint64_t value = 0;
    auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() ||
        value < low || value > high)
      expected(what);
    return value;
  }

  uint32_t integer32() const {
    return uint32_t(integer(0, std::numeric_limits<uint32_t>::max()));
  }

  /// A finite decimal number in [low, high].
  double number(double low, double high) const {
    std::string what = fmt::format("a number from {} to {}", low, high);
    if (!isPlain())
      expected(what);
    const std::string &text = node.Scalar();
    double value = 0;
    auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() ||
        !std::isfinite(value) || value < low || value > high)
      expected(what);
    return value;
  }

  /// A decimal number in [0, high] as a multiple of 1/scale, rounded to the
  /// nearest. The product is exact before it is rounded when scale is a power
  /// of two.
  uint64_t fixedPoint(double high, double scale) const {
    return uint64_t(std::llround(number(0, high) * scale));
  }

  /// A size: an integer, with KiB, MiB or GiB if wanted.
  uint64_t bytes() const {
    constexpr std::string_view what =
        "a number of bytes, as 4096, 4KiB, 4MiB or 4GiB";
    if (!isPlain())
      expected(what);
    const std::string &text = node.Scalar();
    uint64_t value = 0;
    const char *last = text.data() + text.size();
    auto [end, error] = std::from_chars(text.data(), last, value);
    if (error != std::errc())
      expected(what);
    std::string_view unit(end, size_t(last - end));
    while (!unit.empty() && unit.front() == ' ')
      unit.remove_prefix(1);
    unsigned shift = 0;
    if (unit == "KiB")
      shift = 10;
    else if (unit == "MiB")
      shift = 20;
    else if (unit == "GiB")
      shift = 30;
    else if (!unit.empty() && unit != "B")
      expected(what);
    if (value > (uint64_t(1) << 62) >> shift)
      expected("fewer bytes than 2^62");
    return value << shift;
  }

  std::string string() const {
    if (!node.IsScalar())
      expected("a string");
    return node.Scalar();
  }

  /// One of `names`; returns its index.
  template <class Names>
  size_t oneOf(const Names &names) const {
    if (!node.IsScalar())
      expected(listNames(names));
    size_t index = 0;
    for (std::string_view name : names) {
      if (name == node.Scalar())
        return index;
      ++index;
    }
    fail(fmt::format("expected {}, found {}{}", listNames(names), found(),
                     didYouMean(node.Scalar(), names)));
  }

  /// The elements of a list of `low` to `high` elements.
  std::vector<Value> list(size_t low, size_t high) const {
    if (!node.IsSequence())
      expected("a list");
    if (node.size() < low || node.size() > high)
      fail(low == high
               ? fmt::format("expected a list of {} elements, found {}", low,
                             node.size())
               : fmt::format("expected a list of {} to {} elements, found {}",
                             low, high, node.size()));
    std::vector<Value> values;
    values.reserve(node.size());
    for (const YAML::Node &element : node)
      values.emplace_back(element, *source,
                          fmt::format("{}[{}]", path, values.size()));
    return values;
  }

  /// The value as a map that has no keys but `keys`, none twice.
  Map map(std::initializer_list<std::string_view> keys) const;
  /// The same for keys that are known at run time only.
  Map mapOf(const std::vector<std::string_view> &keys) const;

private:
  /// The value in words, short enough for a message.
  std::string found() const {
    switch (node.Type()) {
    case YAML::NodeType::Map:
      return "a map";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Scalar: {
      std::string text = node.Scalar().substr(0, 40);
      for (char &c : text)
        if (static_cast<unsigned char>(c) < 0x20)
          c = ' ';
      return fmt::format("{}`{}{}`", isPlain() ? "" : "the string ", text,
                         node.Scalar().size() > 40 ? "..." : "");
    }
    default:
      return "nothing";
    }
  }

  YAML::Node node;
  Source *source;
  std::string path;
  Place ifNothing;

  friend class Map;
};

/// A map of the document.
class Map {
public:
  /// The value of `key`, if there.
  std::optional<Value> find(std::string_view key) const {
    for (const auto &[name, value] : entries)
      if (name == key)
        return value;
    return std::nullopt;
  }

  /// The value of `key`, which must be there.
  Value get(std::string_view key) const {
    if (std::optional<Value> value = find(key))
      return *value;
    owner.fail(fmt::format("`{}` is missing", key));
  }

private:
  explicit Map(const Value &owner) : owner(owner) {}

  Value owner;
  std::vector<std::pair<std::string, Value>> entries;

  friend class Value;
};

inline Map Value::map(std::initializer_list<std::string_view> keys) const {
  return mapOf(std::vector<std::string_view>(keys));
}

inline Map Value::mapOf(const std::vector<std::string_view> &keys) const {
  if (!node.IsMap())
    expected(fmt::format("a map with {}", listNames(keys)));
  Map result(*this);
  for (const auto &entry : node) {
    Value key(entry.first, *source, path);
    if (!entry.first.IsScalar())
      key.expected("a key");
    const std::string &name = entry.first.Scalar();
    if (std::find(keys.begin(), keys.end(), name) == keys.end()) {
      std::string hint = didYouMean(name, keys);
      key.fail(fmt::format(
          "unknown key {}{}", key.found(),
          hint.empty() ? "; the keys here are " + listNames(keys) : hint));
    }
    if (result.find(name))
      key.fail(fmt::format("key `{}` is given twice", name));
    result.entries.emplace_back(
        name, Value(entry.second, *source,
                    path.empty() ? name : fmt::format("{}.{}", path, name),
                    key.place()));
  }
  // A key's constructor noted the key's place under this path.
  source->places[path] = place();
  return result;
}

/// The text of a stream, of which no more than a byte over `mostBytes` is read:
/// a device may have no end.
inline std::string readText(std::istream &stream, size_t mostBytes) {
  std::string text;
  char buffer[1 << 16];
  while (text.size() <= mostBytes &&
         (stream.read(buffer, sizeof buffer), stream.gcount() > 0))
    text.append(buffer, size_t(stream.gcount()));
  text.resize(std::min(text.size(), mostBytes + 1));
  return text;
}

/// Whether there is a second document. YAML::LoadAll must not be used to find
/// out: where a character cannot begin a document (a comma), yaml-cpp gives
/// empty documents for ever.
inline bool hasSeveralDocuments(std::string_view text) {
  struct Ignore : YAML::EventHandler {
    void OnDocumentStart(const YAML::Mark &) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark &, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark &, YAML::anchor_t) override {}
    void OnScalar(const YAML::Mark &, const std::string &, YAML::anchor_t,
                  const std::string &) override {}
    void OnSequenceStart(const YAML::Mark &, const std::string &,
                         YAML::anchor_t, YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark &, const std::string &, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {}
    void OnMapEnd() override {}
  } ignore;
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  return parser.HandleNextDocument(ignore) && parser.HandleNextDocument(ignore);
}

/// Parses `text` (exactly one document) and hands its root to `reader`, which
/// returns a T or throws SchemaError. `name` stands for the file in messages.
template <class T, class Reader>
Expected<T> read(std::string_view text, std::string_view name,
                 Reader &&reader) {
  Source source{std::string(name), {}};
  try {
    bool several = hasSeveralDocuments(text);
    YAML::Node document = YAML::Load(std::string(text));
    if (!document.IsDefined() || document.IsNull())
      return makeErrorAt(name, 1, 1, "expected one YAML document, found {}",
                         several ? "what cannot begin one" : "nothing");
    if (several)
      return makeErrorAt(name, 1, 1,
                         "expected one YAML document, found several");
    return reader(Value(document, source, ""));
  } catch (const SchemaError &error) {
    return Error(error.diagnostic);
  } catch (const YAML::DeepRecursion &error) {
    return makeErrorAt(name, unsigned(error.mark.line) + 1,
                       unsigned(error.mark.column) + 1,
                       "values are nested more than {} deep", error.depth());
  } catch (const YAML::Exception &error) {
    bool known = !error.mark.is_null();
    return makeErrorAt(name, known ? unsigned(error.mark.line) + 1 : 0,
                       known ? unsigned(error.mark.column) + 1 : 0,
                       "malformed YAML: {}", error.msg);
  }
}

} // namespace octo::yaml

#endif // OCTO_SUPPORT_YAMLREADER_H
