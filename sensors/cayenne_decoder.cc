#include "sensors/cayenne_decoder.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "sensors/cayenne_types.h"
#include "sensors/row_writer.h"

namespace wayside {
namespace {

constexpr const char* kBad = "bad_cayenne";

const CayenneType* type_named(std::string_view name) {
  for (const CayenneType& type : kCayenneTypes) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

std::optional<size_t> part_of(const CayenneType& type, std::string_view name) {
  for (size_t i = 0; i < type.count; ++i) {
    if (type.parts[i].name == name) return i;
  }
  return std::nullopt;
}

bool is_part(std::string_view name) {
  return std::any_of(kCayenneTypes.begin(), kCayenneTypes.end(),
                     [&](const CayenneType& type) { return part_of(type, name).has_value(); });
}

struct Path {
  uint8_t channel = 0;
  const CayenneType* type = nullptr;  // any
  std::string part;                   // empty: of a type that has one value
};

std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find('.'));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

std::optional<Path> parse(std::string_view text) {
  Path path;
  const bool is_cut = text.ends_with('.');
  const std::string_view channel = take_word(text);
  const char* const end = channel.data() + channel.size();
  const auto [rest, error] = std::from_chars(channel.data(), end, path.channel);
  if (error != std::errc() || rest != end) return std::nullopt;
  std::string_view word = take_word(text);
  path.type = type_named(word);
  if (path.type) word = take_word(text);
  path.part = word;
  if (!text.empty() || is_cut) return std::nullopt;
  const bool known = path.type ? part_of(*path.type, word).has_value() : is_part(word);
  return known ? std::optional(path) : std::nullopt;
}

class CayenneDecoder : public Decoder {
 public:
  CayenneDecoder(const SourceOptions& source, size_t first_field) : writer_(source, first_field) {
    for (const auto& type : kCayenneTypes) by_id_[type.id] = &type;
    for (size_t i = 0; i < source.fields.size(); ++i) {
      wanted_.push_back({*parse(source.fields[i].path), static_cast<int>(i)});
    }
    if (!source.time_path.empty()) wanted_.push_back({*parse(source.time_path), kTime});
  }

  bool decode(const Frame& message, const Now&, Readings& out, Refusal& refusal) override {
    std::string_view left = message.payload;
    if (left.empty()) {
      refusal = {kBad, "the payload is empty"};
      return false;
    }
    Row& row = out.add();
    while (!left.empty()) {
      const CayenneType* type = take_head(left, message.payload.size() - left.size(), refusal);
      if (!type) return false;
      const auto channel = static_cast<uint8_t>(left[0]);
      const std::string_view bytes = left.substr(2, size_t{type->bytes} * type->count);
      left.remove_prefix(2 + bytes.size());
      if (!take_value(channel, *type, bytes, row, out, refusal)) return false;
    }
    return true;
  }

 private:
  static constexpr int kTime = -1;
  struct Wanted {
    Path path;
    int target;  // a field, or kTime
  };

  // The type of what begins there, if all of it is there. The length of what is unknown is, too.
  const CayenneType* take_head(std::string_view left, size_t at, Refusal& refusal) const {
    const CayenneType* type = left.size() > 1 ? by_id_[static_cast<uint8_t>(left[1])] : nullptr;
    if (type && left.size() - 2 >= size_t{type->bytes} * type->count) return type;
    refusal = {kBad, "byte " + std::to_string(at) + ": "};
    if (left.size() < 2) {
      refusal.detail += "a channel without a type";
    } else if (type) {
      refusal.detail += std::string(type->name) + " is cut";
    } else {
      refusal.detail += "there is no type " + std::to_string(static_cast<uint8_t>(left[1]));
    }
    return nullptr;
  }

  bool take_value(uint8_t channel, const CayenneType& type, std::string_view bytes, Row& row,
                  Readings& out, Refusal& refusal) const {
    for (const Wanted& w : wanted_) {
      if (w.path.channel != channel || (w.path.type && w.path.type != &type)) continue;
      const auto part = part_of(type, w.path.part);
      if (!part) continue;
      const int64_t whole = whole_of(bytes.substr(*part * type.bytes, type.bytes), type.is_signed);
      if (!store(w.target, whole, type.parts[*part].divisor, row, out, refusal)) return false;
    }
    return true;
  }

  static int64_t whole_of(std::string_view bytes, bool is_signed) {
    uint64_t word = 0;
    for (const char byte : bytes) word = word << 8 | static_cast<uint8_t>(byte);
    const size_t unused = 64 - 8 * bytes.size();
    return is_signed ? static_cast<int64_t>(word << unused) >> unused : static_cast<int64_t>(word);
  }

  bool store(int target, int64_t whole, uint16_t divisor, Row& row, Readings& out,
             Refusal& refusal) const {
    if (target == kTime && divisor == 1) return writer_.time(whole, row, refusal);
    const double number = static_cast<double>(whole) / divisor;
    if (target == kTime) return writer_.time(number, row, refusal);
    return writer_.number(static_cast<size_t>(target), number, row, out, refusal);
  }

  RowWriter writer_;
  std::array<const CayenneType*, 256> by_id_{};
  std::vector<Wanted> wanted_;
};

}  // namespace

std::string wrong_cayenne_path(std::string_view path) {
  if (parse(path)) return {};
  return "is no channel of 0 to 255, alone or with a type and a part, as in \"3\", "
         "\"3.temperature\" or \"3.gps.lat\"";
}

std::unique_ptr<Decoder> make_cayenne_decoder(const SourceOptions& source, size_t first_field) {
  return std::make_unique<CayenneDecoder>(source, first_field);
}

}  // namespace wayside
