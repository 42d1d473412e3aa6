//===- Npy.cpp - Tensors in .npy and .npz files ---------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format is described in NumPy's documentation, numpy.lib.format: magic,
// version, length of the header, a Python dictionary in ASCII, raw elements.
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/Npy.h"

#include <zip.h>

#include <bit>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>

using namespace octo;

static_assert(std::endian::native == std::endian::little,
              "the readers and writers copy little-endian elements");

namespace {

/// The header of an .npy file.
struct Header {
  std::string descr;
  bool fortranOrder = false;
  std::vector<int64_t> shape;
};

/// A parser for the one Python literal that a header may be.
class HeaderParser {
public:
  HeaderParser(std::string_view text, std::string_view name)
      : text(text), name(name) {}

  Expected<Header> parse() {
    Header header;
    bool haveDescr = false, haveOrder = false, haveShape = false;
    if (!eat('{'))
      return bad("a dictionary");
    while (!eat('}')) {
      std::string key;
      if (!parseString(key) || !eat(':'))
        return bad("a quoted key and a colon");
      if (key == "descr" && !haveDescr) {
        haveDescr = true;
        if (peek() == '[')
          return makeFileError(name, "the array has records (a structured "
                                     "dtype); save plain numbers instead");
        if (!parseString(header.descr))
          return bad("a quoted type");
      } else if (key == "fortran_order" && !haveOrder) {
        haveOrder = true;
        if (word("True"))
          header.fortranOrder = true;
        else if (!word("False"))
          return bad("True or False");
      } else if (key == "shape" && !haveShape) {
        haveShape = true;
        if (!parseShape(header.shape))
          return bad("a shape: a tuple of sizes that are not negative");
      } else {
        return bad("the keys descr, fortran_order and shape, each once");
      }
      if (!eat(',') && peek() != '}')
        return bad("a comma or a closing brace");
    }
    skipSpace();
    if (position != text.size())
      return bad("nothing after the dictionary");
    if (!haveDescr || !haveOrder || !haveShape)
      return bad("the keys descr, fortran_order and shape");
    return header;
  }

private:
  Error bad(std::string_view expected) const {
    return makeFileError(
        name,
        "malformed .npy header at character {}: expected {}; save the "
        "array again with numpy.save",
        position, expected);
  }

  void skipSpace() {
    while (position < text.size() &&
           (text[position] == ' ' || text[position] == '\n'))
      ++position;
  }
  char peek() {
    skipSpace();
    return position < text.size() ? text[position] : '\0';
  }
  bool eat(char c) {
    if (peek() != c)
      return false;
    ++position;
    return true;
  }
  bool word(std::string_view w) {
    skipSpace();
    if (!text.substr(position).starts_with(w))
      return false;
    position += w.size();
    return true;
  }
  bool parseString(std::string &out) {
    char quote = peek();
    if (quote != '\'' && quote != '"')
      return false;
    size_t end = text.find(quote, position + 1);
    if (end == std::string_view::npos)
      return false;
    out = text.substr(position + 1, end - position - 1);
    position = end + 1;
    return true;
  }
  bool parseShape(std::vector<int64_t> &shape) {
    if (!eat('('))
      return false;
    while (!eat(')')) {
      skipSpace();
      int64_t size = 0;
      auto [end, error] = std::from_chars(text.data() + position,
                                          text.data() + text.size(), size);
      if (error != std::errc() || size < 0)
        return false;
      position = size_t(end - text.data());
      shape.push_back(size);
      if (!eat(',') && (peek() != ')' || shape.size() == 1))
        return false;
    }
    return true;
  }

  std::string_view text;
  std::string_view name;
  size_t position = 0;
};

/// The kind of the elements of a type string, or an error with a remedy.
Expected<ElementKind> parseDescr(const std::string &descr,
                                 std::string_view name) {
  struct Entry {
    const char *descr;
    ElementKind kind;
  };
  static constexpr Entry known[] = {
      {"b1", ElementKind::I1},   {"i1", ElementKind::I8},
      {"u1", ElementKind::I8},   {"i2", ElementKind::I16},
      {"u2", ElementKind::I16},  {"i4", ElementKind::I32},
      {"u4", ElementKind::I32},  {"i8", ElementKind::I64},
      {"u8", ElementKind::I64},  {"f2", ElementKind::F16},
      {"f4", ElementKind::F32},  {"f8", ElementKind::F64},
      {"V2", ElementKind::BF16},
  };
  constexpr const char *remedy =
      "save bool, int8 to int64, float16, float32 or float64 (or raw |V2 for "
      "bf16)";
  if (descr.size() != 3 || !std::strchr("<|>=", descr[0]))
    return makeFileError(name, "arrays of type '{}' cannot be read; {}", descr,
                         remedy);
  for (const Entry &entry : known)
    if (descr.compare(1, 2, entry.descr) == 0) {
      if (descr[0] == '>' && elementBytes(entry.kind) > 1)
        return makeFileError(name,
                             "the array is big-endian ('{}'); save it with "
                             "array.astype('<{}')",
                             descr, entry.descr);
      return entry.kind;
    }
  return makeFileError(name, "arrays of type '{}' cannot be read; {}", descr,
                       remedy);
}

/// Copies elements in column-major order to row-major order.
void turnAround(std::span<const int64_t> dims, size_t elementSize,
                const std::byte *from, std::byte *to) {
  size_t rank = dims.size();
  std::vector<size_t> stride(rank); // of the source, in elements
  size_t count = 1;
  for (size_t i = 0; i < rank; ++i) {
    stride[i] = count;
    count *= size_t(dims[i]);
  }
  std::vector<int64_t> index(rank, 0);
  size_t offset = 0;
  for (size_t done = 0; done < count; ++done) {
    std::memcpy(to, from + offset * elementSize, elementSize);
    to += elementSize;
    for (size_t i = rank; i-- > 0;) {
      offset += stride[i];
      if (++index[i] < dims[i])
        break;
      offset -= stride[i] * size_t(dims[i]);
      index[i] = 0;
    }
  }
}

/// NumPy's name of a kind.
const char *descrOf(ElementKind kind) {
  switch (kind) {
  case ElementKind::I1:
    return "|b1";
  case ElementKind::I8:
    return "|i1";
  case ElementKind::I16:
    return "<i2";
  case ElementKind::I32:
    return "<i4";
  case ElementKind::I64:
  case ElementKind::Index:
    return "<i8";
  case ElementKind::F16:
    return "<f2";
  case ElementKind::BF16:
    return "|V2";
  case ElementKind::F32:
    return "<f4";
  case ElementKind::F64:
    return "<f8";
  case ElementKind::Data:
  case ElementKind::Token:
    break;
  }
  return "|V0";
}

struct FileCloser {
  void operator()(std::FILE *file) const { std::fclose(file); }
};
struct ZipDiscarder {
  void operator()(zip_t *archive) const { zip_discard(archive); }
};
struct ZipFileCloser {
  void operator()(zip_file_t *file) const { zip_fclose(file); }
};
using ZipArchive = std::unique_ptr<zip_t, ZipDiscarder>;

} // namespace

Expected<Tensor> octo::parseNpy(std::span<const std::byte> bytes,
                                std::string_view name) {
  constexpr size_t magicSize = 6;
  const char *data = reinterpret_cast<const char *>(bytes.data());
  if (bytes.size() < magicSize + 4 ||
      std::memcmp(data, "\x93NUMPY", magicSize) != 0)
    return makeFileError(name, "not an .npy file: it does not begin with "
                               "\\x93NUMPY; write it with numpy.save");
  unsigned major = uint8_t(data[6]);
  size_t headerSize = 0, headerBegin = 0;
  if (major == 1) {
    headerSize = size_t(uint8_t(data[8])) | size_t(uint8_t(data[9])) << 8;
    headerBegin = 10;
  } else if ((major == 2 || major == 3) && bytes.size() >= 12) {
    uint32_t size = 0;
    std::memcpy(&size, data + 8, 4);
    headerSize = size;
    headerBegin = 12;
  } else {
    return makeFileError(name,
                         "version {}.{} of the .npy format is not known; "
                         "versions 1 to 3 are",
                         major, unsigned(uint8_t(data[7])));
  }
  if (headerSize > bytes.size() - headerBegin)
    return makeFileError(name,
                         "truncated: the header takes {} bytes, the file ends "
                         "after {}",
                         headerSize, bytes.size() - headerBegin);
  Expected<Header> header =
      HeaderParser({data + headerBegin, headerSize}, name).parse();
  if (!header)
    return Error(header.error());
  Expected<ElementKind> kind = parseDescr(header->descr, name);
  if (!kind)
    return Error(kind.error());

  size_t elementSize = elementBytes(*kind);
  size_t available = bytes.size() - headerBegin - headerSize;
  // A zero makes the product 0, however large the other sizes are.
  bool empty = false;
  for (int64_t size : header->shape)
    empty |= size == 0;
  size_t count = 1;
  bool tooLarge = false;
  for (int64_t size : header->shape) {
    if (empty) {
      count = 0;
      continue;
    }
    tooLarge |= __builtin_mul_overflow(count, size_t(size), &count);
  }
  size_t needed = 0;
  tooLarge |= __builtin_mul_overflow(count, elementSize, &needed);
  if (tooLarge || needed != available)
    return makeFileError(
        name, "the shape needs {} bytes of elements, the file has {}{}",
        tooLarge ? std::string("more than 2^64") : std::to_string(needed),
        available,
        tooLarge || needed > available ? " (truncated?)"
                                       : " (something is appended)");

  const std::byte *elements = bytes.data() + headerBegin + headerSize;
  Tensor tensor = Tensor::allocate(*kind, header->shape);
  auto *to = static_cast<std::byte *>(tensor.data());
  if (header->fortranOrder && header->shape.size() > 1 && count)
    turnAround(header->shape, elementSize, elements, to);
  else if (needed)
    std::memcpy(to, elements, needed);
  if (*kind == ElementKind::I1)
    for (size_t i = 0; i < count; ++i)
      if (uint8_t(to[i]) > 1)
        return makeFileError(
            name, "element {} of a bool array is {}; only 0 and 1 are bools", i,
            unsigned(uint8_t(to[i])));
  return tensor;
}

Expected<Tensor> octo::readNpy(const std::string &path) {
  std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "rb"));
  if (!file)
    return makeFileError(path, "cannot be opened: {}", std::strerror(errno));
  std::vector<std::byte> bytes;
  std::byte chunk[65536];
  size_t got = 0;
  while ((got = std::fread(chunk, 1, sizeof chunk, file.get())) > 0)
    bytes.insert(bytes.end(), chunk, chunk + got);
  if (std::ferror(file.get()))
    return makeFileError(path, "cannot be read: {}", std::strerror(errno));
  return parseNpy(bytes, path);
}

Expected<std::vector<NamedTensor>> octo::readNpz(const std::string &path) {
  int code = 0;
  ZipArchive archive(zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    return makeFileError(path, "cannot be read as an .npz archive: {}", reason);
  }
  std::vector<NamedTensor> arrays;
  zip_int64_t entries = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < entries; ++i) {
    zip_stat_t stat;
    zip_stat_init(&stat);
    if (zip_stat_index(archive.get(), zip_uint64_t(i), 0, &stat) != 0)
      return makeFileError(path, "cannot be read as an .npz archive: {}",
                           zip_strerror(archive.get()));
    std::string name = stat.name;
    std::string place = path + "(" + name + ")";
    if (!name.ends_with(".npy"))
      return makeFileError(path,
                           "entry `{}` is no .npy array; write the file with "
                           "numpy.savez",
                           name);
    name.resize(name.size() - 4);
    // Deflate cannot shrink by more than 1032; what claims to is no archive of
    // NumPy's, and its size is not to be believed.
    if (stat.size > 65536 && stat.size / 1032 > stat.comp_size)
      return makeFileError(place,
                           "claims {} bytes unpacked from {} packed ones",
                           stat.size, stat.comp_size);
    std::unique_ptr<zip_file_t, ZipFileCloser> file(
        zip_fopen_index(archive.get(), zip_uint64_t(i), 0));
    if (!file)
      return makeFileError(place, "cannot be opened: {}",
                           zip_strerror(archive.get()));
    std::vector<std::byte> bytes(stat.size);
    size_t position = 0;
    while (position < bytes.size()) {
      zip_int64_t got = zip_fread(file.get(), bytes.data() + position,
                                  bytes.size() - position);
      if (got <= 0)
        return makeFileError(
            place, "cannot be unpacked after {} of {} bytes: {}", position,
            bytes.size(), zip_file_strerror(file.get()));
      position += size_t(got);
    }
    // The checksum is compared when the end is met.
    std::byte beyond;
    if (zip_fread(file.get(), &beyond, 1) != 0)
      return makeFileError(place, "is damaged: {}",
                           zip_file_strerror(file.get()));
    Expected<Tensor> tensor = parseNpy(bytes, place);
    if (!tensor)
      return Error(tensor.error());
    arrays.emplace_back(std::move(name), std::move(*tensor));
  }
  return arrays;
}

std::string octo::formatNpy(const Tensor &tensor) {
  std::string dictionary =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': (",
                  descrOf(tensor.kind()));
  for (unsigned i = 0; i < tensor.rank(); ++i)
    dictionary += fmt::format("{}{}", i ? ", " : "", tensor.dim(i));
  dictionary += tensor.rank() == 1 ? ",), }" : "), }";
  // The elements begin at a multiple of 64; a newline ends the header.
  bool large = dictionary.size() + 64 > 65535;
  size_t begin = large ? 12 : 10;
  size_t total = (begin + dictionary.size() + 1 + 63) / 64 * 64;
  dictionary.append(total - begin - dictionary.size() - 1, ' ');
  dictionary += '\n';
  std::string bytes("\x93NUMPY", 6);
  bytes += large ? '\2' : '\1';
  bytes += '\0';
  for (unsigned i = 0; i < (large ? 4 : 2); ++i)
    bytes += char(uint8_t(dictionary.size() >> (8 * i)));
  bytes += dictionary;
  if (size_t size = tensor.bytes())
    bytes.append(static_cast<const char *>(tensor.data()), size);
  return bytes;
}

Expected<void> octo::writeNpz(const std::string &path,
                              std::span<const NamedTensor> arrays) {
  int code = 0;
  ZipArchive archive(zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
  auto failed = [&](std::string_view what, const char *reason) -> Error {
    return makeFileError(path, "cannot be written{}: {}", what, reason);
  };
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    return failed("", reason.c_str());
  }
  // The buffers must live until the archive is closed.
  std::vector<std::string> buffers;
  buffers.reserve(arrays.size());
  for (const auto &[name, tensor] : arrays) {
    const std::string &buffer = buffers.emplace_back(formatNpy(tensor));
    zip_source_t *source =
        zip_source_buffer(archive.get(), buffer.data(), buffer.size(), 0);
    if (!source)
      return failed(" (" + name + ")", zip_strerror(archive.get()));
    zip_int64_t index = zip_file_add(archive.get(), (name + ".npy").c_str(),
                                     source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(source);
      return failed(" (" + name + ")", zip_strerror(archive.get()));
    }
    // A fixed date (1980-01-01), and no time zone: equal arrays, equal bytes.
    if (zip_set_file_compression(archive.get(), zip_uint64_t(index),
                                 ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(archive.get(), zip_uint64_t(index), 0, 0x21, 0) !=
            0)
      return failed(" (" + name + ")", zip_strerror(archive.get()));
  }
  if (arrays.empty()) {
    // libzip removes an archive without entries; NumPy reads the 22 bytes of an
    // empty directory.
    archive.reset();
    std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "wb"));
    const char end[22] = {'P', 'K', 5, 6};
    if (!file || std::fwrite(end, 1, sizeof end, file.get()) != sizeof end)
      return failed("", std::strerror(errno));
    return {};
  }
  zip_t *closing = archive.release();
  if (zip_close(closing) != 0) {
    std::string reason = zip_strerror(closing);
    zip_discard(closing);
    return failed("", reason.c_str());
  }
  return {};
}
