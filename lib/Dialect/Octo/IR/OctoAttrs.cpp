//===- OctoAttrs.cpp - Attributes of the dialect `octo` -------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Syntax and verification of the decisions and profiles of a program.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/Octo/IR/Octo.h"
#include "octo/Program/Distribution.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace octo::spatial;

llvm::hash_code octo::spatial::hash_value(const Epoch &epoch) {
  return llvm::hash_combine(epoch.from, epoch.draw,
                            llvm::hash_combine_range(epoch.frequencies.begin(),
                                                     epoch.frequencies.end()));
}

llvm::hash_code octo::spatial::hash_value(const Replica &r) {
  return llvm::hash_combine(r.cluster, r.tbu, r.peaFirst, r.peaCount, r.maxGang,
                            r.shareQ16, r.standby);
}

llvm::hash_code octo::spatial::hash_value(const Candidate &c) {
  return llvm::hash_combine(c.cluster, c.tbu, c.gang, c.score,
                            static_cast<uint32_t>(c.outcome));
}

// Optional numbers of a pin.
template <>
struct mlir::FieldParser<std::optional<uint32_t>> {
  static FailureOr<std::optional<uint32_t>> parse(AsmParser &parser) {
    uint32_t value;
    if (parser.parseInteger(value))
      return failure();
    return std::optional<uint32_t>(value);
  }
};

namespace mlir {
static AsmPrinter &operator<<(AsmPrinter &printer,
                              const std::optional<uint32_t> &value) {
  return printer << *value;
}
} // namespace mlir

#define GET_ATTRDEF_CLASSES
#include "octo/Dialect/Octo/IR/OctoAttrs.cpp.inc"

void OctoDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "octo/Dialect/Octo/IR/OctoAttrs.cpp.inc"
      >();
}

/// Parses a keyword of an enumeration.
template <class Enum>
static ParseResult parseEnum(AsmParser &parser, Enum &result, StringRef what,
                             std::optional<Enum> (*symbolize)(StringRef)) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef keyword;
  if (parser.parseKeyword(&keyword))
    return failure();
  std::optional<Enum> value = symbolize(keyword);
  if (!value)
    return parser.emitError(loc)
           << "unknown " << what << " '" << keyword << "'";
  result = *value;
  return success();
}

/// Parses `key = integer`, where the key has been seen to be next.
template <class Integer>
static ParseResult parseEntry(AsmParser &parser, StringRef key,
                              Integer &value) {
  return failure(parser.parseKeyword(key) || parser.parseEqual() ||
                 parser.parseInteger(value));
}

//===----------------------------------------------------------------------===//
// Curve
//===----------------------------------------------------------------------===//

LogicalResult CurveAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                ArrayRef<uint64_t> u, ArrayRef<int64_t> x,
                                bool discrete) {
  if (u.empty() || u.size() != x.size())
    return emitError() << "a curve has one x for each u, and at least one; it "
                          "has "
                       << u.size() << " and " << x.size();
  if (u.front() != 0)
    return emitError() << "the first knot of a curve is at u = 0, not "
                       << u.front();
  for (size_t i = 1; i < u.size(); ++i) {
    if (u[i] <= u[i - 1])
      return emitError() << "the knots of a curve ascend in u; knot " << i
                         << " at " << u[i] << " does not";
    if (x[i] < x[i - 1])
      return emitError() << "the knots of a curve do not descend in x; knot "
                         << i << " at " << x[i] << " does";
  }
  return success();
}

Attribute CurveAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<uint64_t> u;
  SmallVector<int64_t> x;
  if (parser.parseLess())
    return {};
  bool discrete = succeeded(parser.parseOptionalKeyword("discrete"));
  if (discrete && parser.parseComma())
    return {};
  auto knot = [&]() -> ParseResult {
    return failure(parser.parseInteger(u.emplace_back()) ||
                   parser.parseColon() ||
                   parser.parseInteger(x.emplace_back()));
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, knot) ||
      parser.parseGreater())
    return {};
  return CurveAttr::getChecked([&] { return parser.emitError(loc); },
                               parser.getContext(), u, x, discrete);
}

void CurveAttr::print(AsmPrinter &printer) const {
  printer << '<';
  if (getDiscrete())
    printer << "discrete, ";
  printer << '[';
  llvm::interleaveComma(
      llvm::zip(getU(), getX()), printer.getStream(), [&](auto knot) {
        printer << std::get<0>(knot) << ": " << std::get<1>(knot);
      });
  printer << "]>";
}

//===----------------------------------------------------------------------===//
// Distribution
//===----------------------------------------------------------------------===//

LogicalResult
DistributionAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                         CurveAttr curve, uint64_t meanQ16, uint64_t scale,
                         int64_t shift) {
  if (scale > maxScale)
    return emitError() << "the scale of a distribution is at most 2^63, not "
                       << scale;
  // x are used as they are then.
  if (scale == identityScale && shift == 0 && curve.getX().front() < 0)
    return emitError() << "a distribution has no values below 0; it has "
                       << curve.getX().front();
  if (!scaledFits(curve.getX().back(), scale, shift))
    return emitError() << "the values of a distribution are below 2^63; its "
                          "scale "
                       << scale << " and shift " << shift << " of x up to "
                       << curve.getX().back() << " give more";
  return success();
}

DistributionAttr DistributionAttr::get(MLIRContext *context, int64_t value) {
  auto curve = CurveAttr::get(context, ArrayRef<uint64_t>{0},
                              ArrayRef<int64_t>{value}, /*discrete=*/true);
  return get(context, curve, static_cast<uint64_t>(value) << 16, identityScale,
             /*shift=*/0);
}

int64_t DistributionAttr::sample(uint64_t draw) const {
  ArrayRef<uint64_t> u = getCurve().getU();
  ArrayRef<int64_t> x = getCurve().getX();
  return scaleDraw(sampleKnots({u.data(), u.size()}, {x.data(), x.size()},
                               getCurve().getDiscrete(), draw),
                   getScale(), getShift());
}

Attribute DistributionAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess())
    return {};
  int64_t constant;
  OptionalParseResult isConstant = parser.parseOptionalInteger(constant);
  if (isConstant.has_value()) {
    if (failed(*isConstant) || parser.parseGreater())
      return {};
    if (constant < 0 || constant > (int64_t(1) << 47)) {
      parser.emitError(loc)
          << "a constant is between 0 and 2^47, not " << constant;
      return {};
    }
    return DistributionAttr::get(parser.getContext(), constant);
  }
  CurveAttr curve;
  uint64_t mean = 0, scale = identityScale;
  int64_t shift = 0;
  if (parser.parseAttribute(curve) || parser.parseComma() ||
      parseEntry(parser, "mean_q16", mean))
    return {};
  // The identity is not written down.
  if (succeeded(parser.parseOptionalComma()) &&
      (parseEntry(parser, "scale", scale) || parser.parseComma() ||
       parseEntry(parser, "shift", shift)))
    return {};
  if (parser.parseGreater())
    return {};
  return DistributionAttr::getChecked([&] { return parser.emitError(loc); },
                                      parser.getContext(), curve, mean, scale,
                                      shift);
}

void DistributionAttr::print(AsmPrinter &printer) const {
  bool isIdentity = getScale() == identityScale && getShift() == 0;
  CurveAttr curve = getCurve();
  int64_t first = curve.getX().front();
  if (isIdentity && curve.getX().size() == 1 && curve.getDiscrete() &&
      first <= (int64_t(1) << 47) &&
      getMeanQ16() == static_cast<uint64_t>(first) << 16) {
    printer << '<' << first << '>';
    return;
  }
  printer << '<';
  printer.printAttribute(curve);
  printer << ", mean_q16 = " << getMeanQ16();
  if (!isIdentity)
    printer << ", scale = " << getScale() << ", shift = " << getShift();
  printer << '>';
}

//===----------------------------------------------------------------------===//
// Profile
//===----------------------------------------------------------------------===//

ProfileAttr ProfileAttr::get(MLIRContext *context, DistributionAttr draw) {
  Epoch epoch;
  epoch.draw = draw;
  return get(context, ArrayRef<Epoch>(epoch));
}

LogicalResult ProfileAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  ArrayRef<Epoch> epochs) {
  if (epochs.empty())
    return emitError() << "a profile has at least one epoch";
  if (epochs.front().from != 0)
    return emitError() << "the first epoch of a profile is from request 0, not "
                       << epochs.front().from;
  for (size_t i = 1; i < epochs.size(); ++i)
    if (epochs[i].from <= epochs[i - 1].from)
      return emitError() << "the epochs of a profile ascend; that from request "
                         << epochs[i].from << " follows that from "
                         << epochs[i - 1].from;
  for (const Epoch &epoch : epochs) {
    if (epoch.frequencies.size() != epochs.front().frequencies.size())
      return emitError() << "the epochs of a profile have the same number of "
                            "frequencies; that from request "
                         << epoch.from << " has " << epoch.frequencies.size()
                         << ", not " << epochs.front().frequencies.size();
    if (!epoch.draw != !epochs.front().draw)
      return emitError() << "either all epochs of a profile draw or none; that "
                            "from request "
                         << epoch.from << " differs from the first";
    for (uint64_t frequency : epoch.frequencies)
      if (frequency > (uint64_t(1) << 32))
        return emitError() << "a frequency is at most 2^32 (certainty), not "
                           << frequency;
  }
  return success();
}

Attribute ProfileAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<Epoch> epochs;
  auto epochEntry = [&](Epoch &epoch) -> ParseResult {
    SMLoc at = parser.getCurrentLocation();
    StringRef key;
    if (parser.parseKeyword(&key) || parser.parseEqual())
      return failure();
    if (key == "from")
      return parser.parseInteger(epoch.from);
    if (key == "draw") {
      DistributionAttr draw;
      if (parser.parseAttribute(draw))
        return failure();
      epoch.draw = draw;
      return success();
    }
    if (key == "frequencies")
      return parser.parseCommaSeparatedList(
          AsmParser::Delimiter::Square, [&]() -> ParseResult {
            return parser.parseInteger(epoch.frequencies.emplace_back());
          });
    return parser.emitError(at) << "an epoch has 'from', 'draw' and "
                                   "'frequencies', not '"
                                << key << "'";
  };
  auto epoch = [&]() -> ParseResult {
    Epoch &last = epochs.emplace_back();
    return parser.parseCommaSeparatedList(AsmParser::Delimiter::Braces,
                                          [&] { return epochEntry(last); });
  };
  if (parser.parseLess() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, epoch) ||
      parser.parseGreater())
    return {};
  return ProfileAttr::getChecked([&] { return parser.emitError(loc); },
                                 parser.getContext(), ArrayRef<Epoch>(epochs));
}

void ProfileAttr::print(AsmPrinter &printer) const {
  printer << "<[";
  llvm::interleaveComma(getEpochs(), printer.getStream(), [&](const Epoch &e) {
    printer << '{';
    StringRef separator = "";
    if (e.from) {
      printer << "from = " << e.from;
      separator = ", ";
    }
    if (e.draw) {
      printer << separator << "draw = ";
      printer.printAttribute(e.draw);
      separator = ", ";
    }
    if (!e.frequencies.empty()) {
      printer << separator << "frequencies = [";
      llvm::interleaveComma(e.frequencies, printer.getStream());
      printer << ']';
    }
    printer << '}';
  });
  printer << "]>";
}

//===----------------------------------------------------------------------===//
// Work, scaling
//===----------------------------------------------------------------------===//

Attribute WorkAttr::parse(AsmParser &parser, Type) {
  WorkClass workClass = WorkClass::Mac;
  uint64_t coefficient;
  SmallVector<uint32_t> symbols;
  if (parser.parseLess() ||
      parseEnum<WorkClass>(parser, workClass, "class of work",
                           symbolizeWorkClass) ||
      parser.parseComma() || parser.parseInteger(coefficient))
    return {};
  auto symbol = [&]() -> ParseResult {
    SMLoc loc = parser.getCurrentLocation();
    StringRef keyword;
    uint32_t first;
    if (parser.parseKeyword(&keyword) || parser.parseLParen() ||
        parser.parseInteger(first))
      return failure();
    if (keyword == "counter") {
      if (first >> 31)
        return parser.emitError(loc) << "counter " << first << " is too large";
      symbols.push_back(counterSymbol(first));
    } else if (keyword == "dim") {
      uint32_t dim;
      if (parser.parseComma() || parser.parseInteger(dim))
        return failure();
      if (dim > 255 || first >= (1u << 23))
        return parser.emitError(loc) << "input or dimension is too large";
      symbols.push_back(dimSymbol(first, dim));
    } else {
      return parser.emitError(loc)
             << "a symbol of work is 'dim' or 'counter', not '" << keyword
             << "'";
    }
    return parser.parseRParen();
  };
  if (succeeded(parser.parseOptionalComma()) &&
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, symbol))
    return {};
  if (parser.parseGreater())
    return {};
  return WorkAttr::get(parser.getContext(), workClass, coefficient, symbols);
}

void WorkAttr::print(AsmPrinter &printer) const {
  printer << '<' << stringifyWorkClass(getWorkClass()) << ", "
          << getCoefficient();
  if (!getSymbols().empty()) {
    printer << ", [";
    llvm::interleaveComma(
        getSymbols(), printer.getStream(), [&](uint32_t symbol) {
          if (symbol >> 31)
            printer << "counter(" << (symbol & 0x7fffffffu) << ')';
          else
            printer << "dim(" << (symbol >> 8) << ", " << (symbol & 255) << ')';
        });
    printer << ']';
  }
  printer << '>';
}

LogicalResult MapAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                              Dataflow, uint16_t count, uint16_t m, uint16_t n,
                              uint16_t k, uint32_t, uint32_t, uint32_t) {
  if (!count || !m || !n || !k)
    return emitError() << "a phase is cut into at least one part of each";
  return success();
}

LogicalResult VariantAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  uint16_t gang, uint64_t, uint64_t, uint64_t,
                                  uint64_t, uint64_t, uint64_t, uint64_t,
                                  uint64_t, uint32_t, ArrayAttr maps) {
  if (!maps)
    return success();
  for (Attribute attribute : maps) {
    auto map = dyn_cast<MapAttr>(attribute);
    if (!map)
      return emitError() << "maps are #octo.map attributes";
    uint64_t parts = uint64_t(map.getCount()) * map.getM() * map.getN();
    if (parts > gang || parts * map.getK() > gang)
      return emitError() << "a map has more parts than the gang has PEAs, "
                         << gang;
  }
  return success();
}

LogicalResult ScalingAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  uint32_t alphaPermille, uint32_t maxGang,
                                  uint64_t stateBytes) {
  if (alphaPermille > 1000)
    return emitError() << "alpha_permille is at most 1000 (p PEAs are p times "
                          "as fast), not "
                       << alphaPermille;
  return success();
}

//===----------------------------------------------------------------------===//
// Place
//===----------------------------------------------------------------------===//

LogicalResult PlaceAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                ArrayRef<Replica> replicas, Routing routing) {
  if (llvm::none_of(replicas, [](const Replica &r) { return !r.standby; }))
    return emitError() << "a place has at least one active replica; add one, "
                          "or drop 'standby'";
  for (const Replica &replica : replicas) {
    if (replica.shareQ16 > 65536)
      return emitError() << "a replica's share is at most 65536 (all of the "
                            "time), not "
                         << replica.shareQ16;
    if (replica.maxGang < replica.peaCount)
      return emitError() << "a replica of " << replica.peaCount
                         << " PEAs has a largest gang of " << replica.maxGang
                         << "; give at least " << replica.peaCount;
  }
  return success();
}

Attribute PlaceAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<Replica> replicas;
  Routing routing = Routing::ByRequest;
  auto replica = [&]() -> ParseResult {
    Replica &r = replicas.emplace_back();
    auto entry = [&]() -> ParseResult {
      SMLoc at = parser.getCurrentLocation();
      StringRef key;
      if (parser.parseKeyword(&key))
        return failure();
      if (key == "cluster")
        return parser.parseInteger(r.cluster);
      if (key == "tbu")
        return parser.parseInteger(r.tbu);
      if (key == "pea")
        return failure(parser.parseInteger(r.peaFirst) || parser.parsePlus() ||
                       parser.parseInteger(r.peaCount));
      if (key == "max")
        return parser.parseInteger(r.maxGang);
      if (key == "share")
        return parser.parseInteger(r.shareQ16);
      if (key == "standby") {
        r.standby = true;
        return success();
      }
      return parser.emitError(at)
             << "a replica has 'cluster', 'tbu', 'pea', 'max', 'share' and "
                "'standby', not '"
             << key << "'";
    };
    if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Braces, entry))
      return failure();
    if (!r.maxGang)
      r.maxGang = r.peaCount;
    return success();
  };
  if (parser.parseLess() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, replica))
    return {};
  if (succeeded(parser.parseOptionalComma()) &&
      parseEnum<Routing>(parser, routing, "routing", symbolizeRouting))
    return {};
  if (parser.parseGreater())
    return {};
  return PlaceAttr::getChecked([&] { return parser.emitError(loc); },
                               parser.getContext(), ArrayRef<Replica>(replicas),
                               routing);
}

void PlaceAttr::print(AsmPrinter &printer) const {
  printer << "<[";
  llvm::interleaveComma(
      getReplicas(), printer.getStream(), [&](const Replica &r) {
        printer << "{cluster " << r.cluster;
        if (r.peaCount || r.tbu || r.peaFirst || r.shareQ16 || r.maxGang) {
          printer << ", tbu " << r.tbu << ", pea " << r.peaFirst << " + "
                  << r.peaCount;
          if (r.maxGang != r.peaCount)
            printer << ", max " << r.maxGang;
          printer << ", share " << r.shareQ16;
        }
        if (r.standby)
          printer << ", standby";
        printer << '}';
      });
  printer << ']';
  if (getRouting() != Routing::ByRequest)
    printer << ", " << stringifyRouting(getRouting());
  printer << '>';
}

//===----------------------------------------------------------------------===//
// Policy
//===----------------------------------------------------------------------===//

Attribute PolicyAttr::parse(AsmParser &parser, Type) {
  bool dynamicTime = false, dynamicFrequency = false;
  StringAttr reason;
  uint64_t priority = 0, cycles = 0, p95 = 0, count = 0, variation = 0;
  uint64_t tail = 0;
  SmallVector<uint32_t> next;
  auto flag = [&](StringRef suffix, bool &value) -> ParseResult {
    SMLoc loc = parser.getCurrentLocation();
    StringRef keyword;
    if (parser.parseKeyword(&keyword) || parser.parseComma())
      return failure();
    StringRef rest = keyword;
    value = rest.consume_front("dynamic_");
    if ((!value && !rest.consume_front("static_")) || rest != suffix)
      return parser.emitError(loc)
             << "expected 'static_" << suffix << "' or 'dynamic_" << suffix
             << "', not '" << keyword << "'";
    return success();
  };
  if (parser.parseLess() || flag("time", dynamicTime) ||
      flag("frequency", dynamicFrequency) || parser.parseAttribute(reason) ||
      parser.parseComma() || parseEntry(parser, "priority", priority) ||
      parser.parseComma() || parseEntry(parser, "cycles", cycles) ||
      parser.parseComma() || parseEntry(parser, "p95", p95) ||
      parser.parseComma() || parseEntry(parser, "count_q16", count))
    return {};
  bool more = succeeded(parser.parseOptionalComma());
  if (more && succeeded(parser.parseOptionalKeyword("variation_q16"))) {
    if (parser.parseEqual() || parser.parseInteger(variation))
      return {};
    more = succeeded(parser.parseOptionalComma());
  }
  if (more && succeeded(parser.parseOptionalKeyword("tail"))) {
    if (parser.parseEqual() || parser.parseInteger(tail))
      return {};
    more = succeeded(parser.parseOptionalComma());
  }
  if (more) {
    if (parser.parseKeyword("next") || parser.parseEqual() ||
        parser.parseCommaSeparatedList(
            AsmParser::Delimiter::Square, [&]() -> ParseResult {
              return parser.parseInteger(next.emplace_back());
            }))
      return {};
  }
  if (parser.parseGreater())
    return {};
  return PolicyAttr::get(parser.getContext(), dynamicTime, dynamicFrequency,
                         reason, priority, cycles, p95, count, variation, tail,
                         next);
}

void PolicyAttr::print(AsmPrinter &printer) const {
  printer << '<' << (getDynamicTime() ? "dynamic_time" : "static_time") << ", "
          << (getDynamicFrequency() ? "dynamic_frequency" : "static_frequency")
          << ", ";
  printer.printAttributeWithoutType(getReason());
  printer << ", priority = " << getPriority()
          << ", cycles = " << getExpectedCycles()
          << ", p95 = " << getExpectedCyclesP95()
          << ", count_q16 = " << getExpectedCountQ16();
  if (getVariationQ16())
    printer << ", variation_q16 = " << getVariationQ16();
  if (getTail())
    printer << ", tail = " << getTail();
  if (!getNext().empty()) {
    printer << ", next = [";
    llvm::interleaveComma(getNext(), printer.getStream());
    printer << ']';
  }
  printer << '>';
}

//===----------------------------------------------------------------------===//
// Decision
//===----------------------------------------------------------------------===//

Attribute DecisionAttr::parse(AsmParser &parser, Type) {
  DecisionKind kind = DecisionKind::Share;
  SmallVector<Candidate> candidates;
  if (parser.parseLess() ||
      parseEnum<DecisionKind>(parser, kind, "kind of decision",
                              symbolizeDecisionKind) ||
      parser.parseComma())
    return {};
  auto candidate = [&]() -> ParseResult {
    Candidate &c = candidates.emplace_back();
    return failure(
        parser.parseLBrace() || parser.parseKeyword("cluster") ||
        parser.parseInteger(c.cluster) || parser.parseComma() ||
        parser.parseKeyword("tbu") || parser.parseInteger(c.tbu) ||
        parser.parseComma() || parser.parseKeyword("gang") ||
        parser.parseInteger(c.gang) || parser.parseComma() ||
        parser.parseKeyword("score") || parser.parseInteger(c.score) ||
        parser.parseComma() ||
        parseEnum<Outcome>(parser, c.outcome, "outcome", symbolizeOutcome) ||
        parser.parseRBrace());
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, candidate) ||
      parser.parseGreater())
    return {};
  return DecisionAttr::get(parser.getContext(), kind,
                           ArrayRef<Candidate>(candidates));
}

void DecisionAttr::print(AsmPrinter &printer) const {
  printer << '<' << stringifyDecisionKind(getKind()) << ", [";
  llvm::interleaveComma(
      getCandidates(), printer.getStream(), [&](const Candidate &c) {
        printer << "{cluster " << c.cluster << ", tbu " << c.tbu << ", gang "
                << c.gang << ", score " << c.score << ", "
                << stringifyOutcome(c.outcome) << '}';
      });
  printer << "]>";
}
