//===- OWGAttributes.cpp - Profiles, distributions, pins, data types ------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parsing, printing and verification of the attributes and types of the
// dialect, and the means of distributions.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/IR/OWG.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <charconv>
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace octo::owg;

#include "octo/Dialect/OWG/IR/OWGEnums.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "octo/Dialect/OWG/IR/OWGTypes.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "octo/Dialect/OWG/IR/OWGAttributes.cpp.inc"

void OWGDialect::registerAttributesAndTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "octo/Dialect/OWG/IR/OWGTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "octo/Dialect/OWG/IR/OWGAttributes.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

/// Prints the shortest text that reads back as the same double: an integer
/// where it is one, else with a decimal point, as the lexer wants it.
static void printNumber(raw_ostream &os, double value) {
  if (value == std::floor(value) && std::fabs(value) < 9007199254740992.0) {
    os << static_cast<int64_t>(value);
    return;
  }
  char buffer[40];
  auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  StringRef text(buffer, end - buffer);
  if (text.contains('.')) {
    os << text;
    return;
  }
  auto [digits, exponent] = text.split('e');
  os << digits << ".0";
  if (!exponent.empty())
    os << 'e' << exponent;
}

static std::string formatNumber(double value) {
  std::string text;
  llvm::raw_string_ostream os(text);
  printNumber(os, value);
  return text;
}

/// Parses `7`, `0.5`, `1.0e6`, with an optional minus.
static ParseResult parseNumber(AsmParser &parser, double &value) {
  // parseOptionalInteger takes a minus and then insists on an integer, so a
  // sign is ruled out first; no quantity of a profile is negative.
  SMLoc loc = parser.getCurrentLocation();
  if (*loc.getPointer() == '-')
    return parser.emitError(loc, "expected a number that is not negative");
  APInt integer;
  OptionalParseResult parsed = parser.parseOptionalInteger(integer);
  if (!parsed.has_value())
    return parser.parseFloat(value);
  if (failed(*parsed))
    return failure();
  value = integer.roundToDouble(/*isSigned=*/false);
  return success();
}

static ParseResult parseNumberList(AsmParser &parser,
                                   SmallVectorImpl<double> &values) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&]() {
    return parseNumber(parser, values.emplace_back());
  });
}

static void printNumberList(raw_ostream &os, ArrayRef<double> values) {
  os << '[';
  llvm::interleaveComma(values, os, [&](double v) { printNumber(os, v); });
  os << ']';
}

//===----------------------------------------------------------------------===//
// DataType
//===----------------------------------------------------------------------===//

LogicalResult DataType::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t bytes) {
  if (bytes < 0 && bytes != kDynamic)
    return emitError() << "size of !owg.data must be 0 or more bytes or '?', "
                          "got "
                       << bytes;
  return success();
}

Type DataType::parse(AsmParser &parser) {
  int64_t bytes = kDynamic;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess())
    return {};
  if (parser.parseOptionalQuestion()) {
    if (parser.parseInteger(bytes))
      return {};
    if (bytes < 0)
      return parser.emitError(loc, "size of !owg.data must be 0 or more bytes "
                                   "or '?', got ")
                 << bytes,
             Type();
  }
  if (parser.parseGreater())
    return {};
  return DataType::get(parser.getContext(), bytes);
}

void DataType::print(AsmPrinter &printer) const {
  printer << '<';
  if (isDynamic())
    printer << '?';
  else
    printer << getBytes();
  printer << '>';
}

bool octo::owg::isTimingOnlyType(Type type) {
  return isa<DataType, TokenType>(type);
}

//===----------------------------------------------------------------------===//
// DistributionAttr
//===----------------------------------------------------------------------===//

DistributionAttr DistributionAttr::getConst(MLIRContext *context, double x) {
  return get(context, DistributionKind::Const, ArrayRef<double>(x));
}

DistributionAttr DistributionAttr::getEmpirical(MLIRContext *context,
                                                ArrayRef<double> values,
                                                ArrayRef<double> weights) {
  SmallVector<double> all(values);
  if (weights.empty())
    all.append(values.size(), 1.0);
  else
    all.append(weights.begin(), weights.end());
  return get(context, DistributionKind::Empirical, all);
}

ArrayRef<double> DistributionAttr::getValues() const {
  ArrayRef<double> all = getParameters().asArrayRef();
  return all.take_front(all.size() / 2);
}

ArrayRef<double> DistributionAttr::getWeights() const {
  ArrayRef<double> all = getParameters().asArrayRef();
  return all.drop_front(all.size() / 2);
}

/// Mean and variance.
static std::pair<double, double> getMoments(DistributionAttr dist) {
  ArrayRef<double> p = dist.getParameters().asArrayRef();
  switch (dist.getKind()) {
  case DistributionKind::Const:
    return {p[0], 0.0};
  case DistributionKind::Uniform:
    return {0.5 * (p[0] + p[1]), (p[1] - p[0]) * (p[1] - p[0]) / 12.0};
  case DistributionKind::Exp:
    return {p[0], p[0] * p[0]};
  case DistributionKind::Normal:
    return {p[0], p[1] * p[1]};
  case DistributionKind::LogNormal:
    return {p[0], p[0] * p[1] * p[0] * p[1]};
  case DistributionKind::Geometric:
    return {(1.0 - p[0]) / p[0], (1.0 - p[0]) / (p[0] * p[0])};
  case DistributionKind::Bernoulli:
    return {p[0], p[0] * (1.0 - p[0])};
  case DistributionKind::Empirical: {
    ArrayRef<double> values = dist.getValues(), weights = dist.getWeights();
    double total = 0.0, mean = 0.0, square = 0.0;
    for (auto [v, w] : llvm::zip_equal(values, weights)) {
      total += w;
      mean += w * v;
    }
    mean /= total;
    for (auto [v, w] : llvm::zip_equal(values, weights))
      square += w * (v - mean) * (v - mean);
    return {mean, square / total};
  }
  }
  llvm_unreachable("unknown distribution kind");
}

double DistributionAttr::getMean() const { return getMoments(*this).first; }

double DistributionAttr::getCoefficientOfVariation() const {
  auto [mean, variance] = getMoments(*this);
  return mean == 0.0 ? 0.0 : std::sqrt(variance) / mean;
}

bool DistributionAttr::isConstant() const {
  return getMoments(*this).second == 0.0;
}

LogicalResult
DistributionAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                         DistributionKind kind, DenseF64ArrayAttr parameters) {
  StringRef name = stringifyDistributionKind(kind);
  ArrayRef<double> p = parameters.asArrayRef();
  for (double x : p)
    if (!std::isfinite(x) || x < 0.0)
      return emitError() << "parameters of " << name
                         << " must be finite and not negative";
  auto expect = [&](size_t count, StringRef names) -> LogicalResult {
    if (p.size() == count)
      return success();
    return emitError() << name << " takes " << count
                       << (count == 1 ? " parameter " : " parameters ") << names
                       << ", got " << p.size();
  };
  auto probability = [&](double x, bool zeroAllowed) -> LogicalResult {
    if (x <= 1.0 && (zeroAllowed || x > 0.0))
      return success();
    return emitError() << name << " takes a probability "
                       << (zeroAllowed ? "between 0 and 1" : "in (0, 1]")
                       << ", got " << formatNumber(x);
  };
  switch (kind) {
  case DistributionKind::Const:
    return expect(1, "(value)");
  case DistributionKind::Uniform:
    if (failed(expect(2, "(lower, upper)")))
      return failure();
    if (p[0] > p[1])
      return emitError() << "uniform needs lower <= upper, got "
                         << formatNumber(p[0]) << " and " << formatNumber(p[1]);
    return success();
  case DistributionKind::Exp:
    return expect(1, "(mean)");
  case DistributionKind::Normal:
    return expect(2, "(mean, standard deviation)");
  case DistributionKind::LogNormal:
    if (failed(expect(2, "(mean, coefficient of variation)")))
      return failure();
    if (p[0] == 0.0)
      return emitError() << "lognormal needs a mean above 0";
    return success();
  case DistributionKind::Geometric:
    if (failed(expect(1, "(probability)")))
      return failure();
    return probability(p[0], /*zeroAllowed=*/false);
  case DistributionKind::Bernoulli:
    if (failed(expect(1, "(probability)")))
      return failure();
    return probability(p[0], /*zeroAllowed=*/true);
  case DistributionKind::Empirical:
    if (p.empty() || p.size() % 2)
      return emitError() << "empirical takes at least one value and as many "
                            "weights as values";
    ArrayRef<double> weights = p.drop_front(p.size() / 2);
    double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    if (!(total > 0.0) || !std::isfinite(total))
      return emitError() << "weights of empirical must have a sum above 0";
    return success();
  }
  llvm_unreachable("unknown distribution kind");
}

FailureOr<DistributionAttr> DistributionAttr::parseBare(AsmParser &parser) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef keyword;
  if (failed(parser.parseOptionalKeyword(&keyword))) {
    parser.emitError(loc, "expected a distribution, such as const<1000>");
    return failure();
  }
  std::optional<DistributionKind> kind = symbolizeDistributionKind(keyword);
  if (!kind) {
    parser.emitError(loc) << "unknown distribution '" << keyword
                          << "'; there are const, uniform, exp, normal, "
                             "lognormal, geometric, bernoulli, empirical";
    return failure();
  }
  SmallVector<double> parameters;
  if (parser.parseLess())
    return failure();
  if (*kind == DistributionKind::Empirical) {
    SmallVector<double> weights;
    if (parseNumberList(parser, parameters))
      return failure();
    size_t count = parameters.size();
    if (succeeded(parser.parseOptionalComma())) {
      if (parseNumberList(parser, weights))
        return failure();
      if (weights.size() != count) {
        parser.emitError(loc) << "empirical has " << count << " values but "
                              << weights.size() << " weights";
        return failure();
      }
      parameters.append(weights);
    } else {
      parameters.append(count, 1.0);
    }
  } else if (parser.parseCommaSeparatedList([&]() {
               return parseNumber(parser, parameters.emplace_back());
             })) {
    return failure();
  }
  if (parser.parseGreater())
    return failure();
  auto attr = DistributionAttr::getChecked(
      [&]() { return parser.emitError(loc); }, parser.getContext(), *kind,
      DenseF64ArrayAttr::get(parser.getContext(), parameters));
  if (!attr)
    return failure();
  return attr;
}

void DistributionAttr::printBare(AsmPrinter &printer) const {
  raw_ostream &os = printer.getStream();
  os << stringifyDistributionKind(getKind()) << '<';
  if (getKind() == DistributionKind::Empirical) {
    printNumberList(os, getValues());
    if (!llvm::all_of(getWeights(), [](double w) { return w == 1.0; })) {
      os << ", ";
      printNumberList(os, getWeights());
    }
  } else {
    llvm::interleaveComma(getParameters().asArrayRef(), os,
                          [&](double v) { printNumber(os, v); });
  }
  os << '>';
}

Attribute DistributionAttr::parse(AsmParser &parser, Type) {
  if (parser.parseLess())
    return {};
  FailureOr<DistributionAttr> attr = parseBare(parser);
  if (failed(attr) || parser.parseGreater())
    return {};
  return *attr;
}

void DistributionAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printBare(printer);
  printer << '>';
}

//===----------------------------------------------------------------------===//
// ProfileAttr
//===----------------------------------------------------------------------===//

namespace {
enum class EntryForm {
  Distribution,
  Work,
  Fraction,
  Count,
  Bytes,
  Distributions,
  Fractions,
  Drift
};
struct EntryInfo {
  StringLiteral key;
  EntryForm form;
};
} // namespace

/// Every entry of a profile, in the order in which they are printed.
static constexpr EntryInfo profileEntries[] = {
    {"cycles", EntryForm::Distribution},
    {"work", EntryForm::Work},
    {"alpha", EntryForm::Fraction},
    {"max_gang", EntryForm::Count},
    {"gang", EntryForm::Count},
    {"state_bytes", EntryForm::Bytes},
    {"code_bytes", EntryForm::Bytes},
    {"out_bytes", EntryForm::Distributions},
    {"frequencies", EntryForm::Fractions},
    {"trips", EntryForm::Distribution},
    {"count", EntryForm::Distribution},
    {"drift", EntryForm::Drift},
};

static const EntryInfo *findEntry(StringRef key) {
  const auto *it = llvm::find_if(
      profileEntries, [&](const EntryInfo &e) { return e.key == key; });
  return it == std::end(profileEntries) ? nullptr : it;
}

ArrayRef<StringLiteral> ProfileAttr::getWorkKinds() {
  static constexpr StringLiteral kinds[] = {"mac", "vector", "scalar", "bytes"};
  return kinds;
}

DistributionAttr ProfileAttr::getCycles() const {
  return getEntries().getAs<DistributionAttr>("cycles");
}
DictionaryAttr ProfileAttr::getWork() const {
  return getEntries().getAs<DictionaryAttr>("work");
}
DistributionAttr ProfileAttr::getWork(StringRef kind) const {
  DictionaryAttr work = getWork();
  return work ? work.getAs<DistributionAttr>(kind) : DistributionAttr();
}
std::optional<double> ProfileAttr::getAlpha() const {
  if (auto attr = getEntries().getAs<FloatAttr>("alpha"))
    return attr.getValueAsDouble();
  return std::nullopt;
}
static std::optional<int64_t> getInt(DictionaryAttr entries, StringRef key) {
  if (auto attr = entries.getAs<IntegerAttr>(key))
    return attr.getInt();
  return std::nullopt;
}
std::optional<int64_t> ProfileAttr::getMaxGang() const {
  return getInt(getEntries(), "max_gang");
}
std::optional<int64_t> ProfileAttr::getGang() const {
  return getInt(getEntries(), "gang");
}
std::optional<int64_t> ProfileAttr::getStateBytes() const {
  return getInt(getEntries(), "state_bytes");
}
std::optional<int64_t> ProfileAttr::getCodeBytes() const {
  return getInt(getEntries(), "code_bytes");
}
ArrayAttr ProfileAttr::getOutBytes() const {
  return getEntries().getAs<ArrayAttr>("out_bytes");
}
ArrayRef<double> ProfileAttr::getFrequencies() const {
  if (auto attr = getEntries().getAs<DenseF64ArrayAttr>("frequencies"))
    return attr.asArrayRef();
  return {};
}
DistributionAttr ProfileAttr::getTrips() const {
  return getEntries().getAs<DistributionAttr>("trips");
}
DistributionAttr ProfileAttr::getCount() const {
  return getEntries().getAs<DistributionAttr>("count");
}
ArrayAttr ProfileAttr::getDrift() const {
  return getEntries().getAs<ArrayAttr>("drift");
}

ProfileAttr ProfileAttr::mergedWith(ProfileAttr other) const {
  NamedAttrList entries(getEntries());
  // Pairs of keys of which a profile has only one.
  if (other.getCycles())
    entries.erase("work");
  if (other.getWork())
    entries.erase("cycles");
  if (other.getGang())
    entries.erase("max_gang");
  if (other.getMaxGang())
    entries.erase("gang");
  for (NamedAttribute entry : other.getEntries())
    entries.set(entry.getName(), entry.getValue());
  return ProfileAttr::get(entries.getDictionary(getContext()));
}

ProfileAttr ProfileAttr::getAt(int64_t request) const {
  ArrayAttr drift = getDrift();
  if (!drift)
    return *this;
  NamedAttrList entries(getEntries());
  entries.erase("drift");
  ProfileAttr result = ProfileAttr::get(entries.getDictionary(getContext()));
  for (auto part : drift.getAsRange<DriftAttr>())
    if (part.getFrom() <= request)
      result = result.mergedWith(part.getProfile());
  return result;
}

LogicalResult ProfileAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  DictionaryAttr entries) {
  for (NamedAttribute entry : entries) {
    StringRef key = entry.getName();
    Attribute value = entry.getValue();
    const EntryInfo *info = findEntry(key);
    if (!info)
      return emitError() << "unknown entry '" << key << "' of a profile";
    switch (info->form) {
    case EntryForm::Distribution:
      if (!isa<DistributionAttr>(value))
        return emitError() << "'" << key << "' must be a distribution";
      break;
    case EntryForm::Work: {
      auto work = dyn_cast<DictionaryAttr>(value);
      if (!work || work.empty())
        return emitError() << "'work' must name at least one kind of work";
      for (NamedAttribute kind : work)
        if (!llvm::is_contained(getWorkKinds(), kind.getName().strref()) ||
            !isa<DistributionAttr>(kind.getValue()))
          return emitError()
                 << "unknown kind of work '" << kind.getName().strref()
                 << "'; there are mac, vector, scalar, bytes";
      break;
    }
    case EntryForm::Fraction: {
      auto number = dyn_cast<FloatAttr>(value);
      if (!number || !(number.getValueAsDouble() >= 0.0 &&
                       number.getValueAsDouble() <= 1.0))
        return emitError() << "'" << key << "' must be between 0 and 1";
      break;
    }
    case EntryForm::Count:
    case EntryForm::Bytes: {
      int64_t least = info->form == EntryForm::Count ? 1 : 0;
      auto number = dyn_cast<IntegerAttr>(value);
      if (!number || !number.getType().isInteger(64) || number.getInt() < least)
        return emitError() << "'" << key << "' must be an integer of at least "
                           << least;
      break;
    }
    case EntryForm::Distributions: {
      auto list = dyn_cast<ArrayAttr>(value);
      if (!list || !llvm::all_of(list, llvm::IsaPred<DistributionAttr>))
        return emitError() << "'" << key << "' must be a list of distributions";
      break;
    }
    case EntryForm::Fractions: {
      auto list = dyn_cast<DenseF64ArrayAttr>(value);
      if (!list || list.empty() ||
          !llvm::all_of(list.asArrayRef(),
                        [](double f) { return f >= 0.0 && f <= 1.0; }))
        return emitError() << "'" << key
                           << "' must be a list of numbers between 0 and 1";
      break;
    }
    case EntryForm::Drift: {
      auto list = dyn_cast<ArrayAttr>(value);
      if (!list || !llvm::all_of(list, llvm::IsaPred<DriftAttr>))
        return emitError() << "'drift' must be a list of 'from N <entries>'";
      int64_t last = 0;
      for (auto part : list.getAsRange<DriftAttr>()) {
        if (part.getFrom() <= last)
          return emitError() << "'drift' must begin above request 0 and "
                                "increase, got "
                             << part.getFrom() << " after " << last;
        if (part.getProfile().getDrift())
          return emitError() << "'drift' cannot be nested";
        last = part.getFrom();
      }
      break;
    }
    }
  }
  if (entries.get("cycles") && entries.get("work"))
    return emitError() << "a profile gives 'cycles' or 'work', not both";
  if (entries.get("gang") && entries.get("max_gang"))
    return emitError() << "a profile gives 'gang' or 'max_gang', not both";
  return success();
}

static FailureOr<ProfileAttr> parseProfileBody(AsmParser &parser);

/// The value after `key =`.
static ParseResult parseEntry(AsmParser &parser, const EntryInfo &info,
                              Attribute &value) {
  Builder &b = parser.getBuilder();
  switch (info.form) {
  case EntryForm::Distribution: {
    FailureOr<DistributionAttr> dist = DistributionAttr::parseBare(parser);
    if (failed(dist))
      return failure();
    value = *dist;
    return success();
  }
  case EntryForm::Work: {
    NamedAttrList work;
    if (parser.parseCommaSeparatedList(
            AsmParser::Delimiter::Braces, [&]() -> ParseResult {
              StringRef kind;
              SMLoc loc = parser.getCurrentLocation();
              if (parser.parseKeyword(&kind) || parser.parseEqual())
                return failure();
              if (!llvm::is_contained(ProfileAttr::getWorkKinds(), kind))
                return parser.emitError(loc)
                       << "unknown kind of work '" << kind
                       << "'; there are mac, vector, scalar, bytes";
              FailureOr<DistributionAttr> dist =
                  DistributionAttr::parseBare(parser);
              if (failed(dist))
                return failure();
              if (work.set(kind, *dist))
                return parser.emitError(loc)
                       << "kind of work '" << kind << "' is given twice";
              return success();
            }))
      return failure();
    value = work.getDictionary(parser.getContext());
    return success();
  }
  case EntryForm::Fraction: {
    double number;
    if (parseNumber(parser, number))
      return failure();
    value = b.getF64FloatAttr(number);
    return success();
  }
  case EntryForm::Count:
  case EntryForm::Bytes: {
    int64_t number;
    if (parser.parseInteger(number))
      return failure();
    value = b.getI64IntegerAttr(number);
    return success();
  }
  case EntryForm::Distributions: {
    SmallVector<Attribute> list;
    if (parser.parseCommaSeparatedList(
            AsmParser::Delimiter::Square, [&]() -> ParseResult {
              FailureOr<DistributionAttr> dist =
                  DistributionAttr::parseBare(parser);
              if (failed(dist))
                return failure();
              list.push_back(*dist);
              return success();
            }))
      return failure();
    value = b.getArrayAttr(list);
    return success();
  }
  case EntryForm::Fractions: {
    SmallVector<double> list;
    if (parseNumberList(parser, list))
      return failure();
    value = b.getDenseF64ArrayAttr(list);
    return success();
  }
  case EntryForm::Drift: {
    SmallVector<Attribute> list;
    if (parser.parseCommaSeparatedList(
            AsmParser::Delimiter::Square, [&]() -> ParseResult {
              int64_t from;
              if (parser.parseKeyword("from") || parser.parseInteger(from))
                return failure();
              FailureOr<ProfileAttr> profile = parseProfileBody(parser);
              if (failed(profile))
                return failure();
              list.push_back(
                  DriftAttr::get(parser.getContext(), from, *profile));
              return success();
            }))
      return failure();
    value = b.getArrayAttr(list);
    return success();
  }
  }
  llvm_unreachable("unknown form of a profile entry");
}

/// `<key = value, ...>`.
static FailureOr<ProfileAttr> parseProfileBody(AsmParser &parser) {
  SMLoc start = parser.getCurrentLocation();
  NamedAttrList entries;
  if (parser.parseCommaSeparatedList(
          AsmParser::Delimiter::LessGreater, [&]() -> ParseResult {
            SMLoc loc = parser.getCurrentLocation();
            StringRef key;
            if (parser.parseKeyword(&key))
              return failure();
            const EntryInfo *info = findEntry(key);
            if (!info)
              return parser.emitError(loc)
                     << "unknown entry '" << key
                     << "' of a profile; there are cycles, work, alpha, "
                        "max_gang, gang, state_bytes, code_bytes, out_bytes, "
                        "frequencies, trips, count, drift";
            Attribute value;
            if (parser.parseEqual() || parseEntry(parser, *info, value))
              return failure();
            if (entries.set(info->key, value))
              return parser.emitError(loc)
                     << "entry '" << info->key << "' is given twice";
            return success();
          }))
    return failure();
  auto attr = ProfileAttr::getChecked(
      [&]() { return parser.emitError(start); }, parser.getContext(),
      entries.getDictionary(parser.getContext()));
  if (!attr)
    return failure();
  return attr;
}

Attribute ProfileAttr::parse(AsmParser &parser, Type) {
  FailureOr<ProfileAttr> attr = parseProfileBody(parser);
  return failed(attr) ? Attribute() : Attribute(*attr);
}

void ProfileAttr::print(AsmPrinter &printer) const {
  raw_ostream &os = printer.getStream();
  printer << '<';
  bool first = true;
  for (const EntryInfo &info : profileEntries) {
    Attribute value = getEntries().get(info.key);
    if (!value)
      continue;
    if (!first)
      os << ", ";
    first = false;
    os << info.key << " = ";
    switch (info.form) {
    case EntryForm::Distribution:
      cast<DistributionAttr>(value).printBare(printer);
      break;
    case EntryForm::Work:
      os << '{';
      llvm::interleaveComma(
          cast<DictionaryAttr>(value), os, [&](NamedAttribute kind) {
            os << kind.getName().strref() << " = ";
            cast<DistributionAttr>(kind.getValue()).printBare(printer);
          });
      os << '}';
      break;
    case EntryForm::Fraction:
      printNumber(os, cast<FloatAttr>(value).getValueAsDouble());
      break;
    case EntryForm::Count:
    case EntryForm::Bytes:
      os << cast<IntegerAttr>(value).getInt();
      break;
    case EntryForm::Distributions:
      os << '[';
      llvm::interleaveComma(cast<ArrayAttr>(value), os, [&](Attribute dist) {
        cast<DistributionAttr>(dist).printBare(printer);
      });
      os << ']';
      break;
    case EntryForm::Fractions:
      printNumberList(os, cast<DenseF64ArrayAttr>(value).asArrayRef());
      break;
    case EntryForm::Drift:
      os << '[';
      llvm::interleaveComma(cast<ArrayAttr>(value), os, [&](Attribute part) {
        auto drift = cast<DriftAttr>(part);
        os << "from " << drift.getFrom() << ' ';
        drift.getProfile().print(printer);
      });
      os << ']';
      break;
    }
  }
  printer << '>';
}

//===----------------------------------------------------------------------===//
// DriftAttr, PinAttr
//===----------------------------------------------------------------------===//

Attribute DriftAttr::parse(AsmParser &parser, Type) {
  int64_t from;
  if (parser.parseLess() || parser.parseKeyword("from") ||
      parser.parseInteger(from))
    return {};
  FailureOr<ProfileAttr> profile = parseProfileBody(parser);
  if (failed(profile) || parser.parseGreater())
    return {};
  return DriftAttr::get(parser.getContext(), from, *profile);
}

void DriftAttr::print(AsmPrinter &printer) const {
  printer << "<from " << getFrom() << ' ';
  getProfile().print(printer);
  printer << '>';
}

LogicalResult PinAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                              std::optional<int64_t> cluster,
                              std::optional<int64_t> tbu,
                              std::optional<int64_t> gang) {
  if (!cluster && !tbu && !gang)
    return emitError() << "a pin must give at least one of cluster, tbu, gang";
  if (tbu && !cluster)
    return emitError() << "a pin that gives a tbu must give its cluster too";
  if (cluster.value_or(0) < 0 || tbu.value_or(0) < 0)
    return emitError() << "cluster and tbu of a pin must not be negative";
  if (gang.value_or(1) < 1)
    return emitError() << "gang of a pin must be at least 1 PEA";
  return success();
}

Attribute PinAttr::parse(AsmParser &parser, Type) {
  SMLoc start = parser.getCurrentLocation();
  std::optional<int64_t> cluster, tbu, gang;
  if (parser.parseCommaSeparatedList(
          AsmParser::Delimiter::LessGreater, [&]() -> ParseResult {
            SMLoc loc = parser.getCurrentLocation();
            StringRef key;
            int64_t value;
            if (parser.parseKeyword(&key) || parser.parseEqual() ||
                parser.parseInteger(value))
              return failure();
            std::optional<int64_t> *part = key == "cluster" ? &cluster
                                           : key == "tbu"   ? &tbu
                                           : key == "gang"  ? &gang
                                                            : nullptr;
            if (!part)
              return parser.emitError(loc)
                     << "unknown entry '" << key
                     << "' of a pin; there are cluster, tbu, gang";
            if (*part)
              return parser.emitError(loc)
                     << "entry '" << key << "' is given twice";
            *part = value;
            return success();
          }))
    return {};
  return PinAttr::getChecked([&]() { return parser.emitError(start); },
                             parser.getContext(), cluster, tbu, gang);
}

void PinAttr::print(AsmPrinter &printer) const {
  printer << '<';
  bool first = true;
  auto part = [&](StringRef key, std::optional<int64_t> value) {
    if (!value)
      return;
    printer << (first ? "" : ", ") << key << " = " << *value;
    first = false;
  };
  part("cluster", getCluster());
  part("tbu", getTbu());
  part("gang", getGang());
  printer << '>';
}
