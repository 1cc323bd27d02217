#include "sensors/cbor_json.h"

#include <string_view>

#include "base/text.h"

namespace wayside {

using Type = CborItem::Type;

bool CborJson::refuse(const char* why) {
  why_ = why;
  return false;
}

bool CborJson::has_room(size_t bytes) {
  return text_.size() + bytes <= room_ ||
         refuse("makes more than 1 MiB of JSON, with what the payload has of it before");
}

// With all of its digits.
void CborJson::append_whole(const CborItem& item) {
  if (item.type == Type::kUnsigned) {
    text_ += std::to_string(item.size);
  } else if (item.size < UINT64_MAX) {
    text_ += '-';
    text_ += std::to_string(item.size + 1);
  } else {
    text_ += "-18446744073709551616";
  }
}

bool CborJson::append_text(std::string_view text) {
  constexpr size_t kEscaped = 6;
  if (!has_room(text.size() * kEscaped)) return false;
  append_json_string(text_, text);
  return true;
}

bool CborJson::append_bytes(const CborItem& item) {
  if (item.is_large_whole()) return refuse("has a whole number of more than 64 bits");
  std::string joined;
  std::string_view bytes;
  return reader_.take_bytes(item, joined, bytes) && append_text(hex_of(bytes));
}

bool CborJson::append_scalar(const CborItem& item) {
  Scalar value;
  if (!reader_.take_scalar(item, out_, value)) {
    if (reader_.fault()) return false;
    if (item.is_fraction()) return refuse("has a fraction that is not of two whole numbers");
  }
  if (const auto* text = std::get_if<std::string_view>(&value)) return append_text(*text);
  if (const auto* flag = std::get_if<bool>(&value)) {
    text_ += *flag ? "true" : "false";
  } else if (double number; is_number(value, number)) {
    append_json_number(text_, number);
  } else {
    text_ += "null";
  }
  return true;
}

bool CborJson::append_key(const CborItem& key) {
  if (key.type == Type::kText) return append_scalar(key);
  if (key.type != Type::kUnsigned && key.type != Type::kNegative) {
    return refuse("has a member whose name is neither a text nor a whole number");
  }
  text_ += '"';
  append_whole(key);
  text_ += '"';
  return true;
}

bool CborJson::append_members(const CborItem& item) {
  if (!reader_.enter()) return false;
  const bool is_map = item.type == Type::kMap;
  CborItem left = item;
  CborItem member;
  text_ += is_map ? '{' : '[';
  for (bool first = true; reader_.next_of(left, member); first = false) {
    if (!first) text_ += ',';
    if (is_map) {
      if (!append_key(member) || !reader_.next(member)) return false;
      text_ += ':';
    }
    if (!append(member)) return false;
  }
  text_ += is_map ? '}' : ']';
  reader_.leave();
  return !reader_.fault();
}

bool CborJson::append(const CborItem& item) {
  if (!has_room(0)) return false;
  switch (item.type) {
    case Type::kUnsigned:
    case Type::kNegative:
      append_whole(item);
      return true;
    case Type::kBytes:
      return append_bytes(item);
    case Type::kArray:
    case Type::kMap:
      return item.is_fraction() ? append_scalar(item) : append_members(item);
    default:
      return append_scalar(item);
  }
}

}  // namespace wayside
