#include "sensors/cbor_json.h"

#include <string_view>

#include "base/text.h"

namespace wayside {
namespace {

using Type = CborItem::Type;

bool is_too_large(const char*& why) {
  why = "is more than 1 MiB as JSON";
  return false;
}

void append_whole(const CborItem& item, std::string& json) {
  if (item.type == Type::kUnsigned) {
    json += std::to_string(item.size);
  } else if (item.size < UINT64_MAX) {
    json += '-';
    json += std::to_string(item.size + 1);
  } else {
    json += "-18446744073709551616";
  }
}

bool append_bytes(CborReader& reader, const CborItem& item, std::string& json, const char*& why) {
  std::string joined;
  std::string_view bytes;
  if (!reader.take_bytes(item, joined, bytes)) return false;
  constexpr size_t kEscaped = 6;
  if (json.size() + bytes.size() * kEscaped > kCborJsonMax) return is_too_large(why);
  append_json_string(json, item.type == Type::kText ? bytes : hex_of(bytes));
  return true;
}

bool append_key(CborReader& reader, const CborItem& key, std::string& json, const char*& why) {
  if (key.type == Type::kText) return append_bytes(reader, key, json, why);
  if (key.type != Type::kUnsigned && key.type != Type::kNegative) {
    why = "has a member whose name is neither a text nor a whole number";
    return false;
  }
  json += '"';
  append_whole(key, json);
  json += '"';
  return true;
}

bool append_members(CborReader& reader, const CborItem& item, std::string& json, const char*& why) {
  if (!reader.enter()) return false;
  const bool is_map = item.type == Type::kMap;
  CborItem left = item;
  CborItem member;
  json += is_map ? '{' : '[';
  for (bool first = true; reader.next_of(left, member); first = false) {
    if (!first) json += ',';
    if (is_map) {
      if (!append_key(reader, member, json, why) || !reader.next(member)) return false;
      json += ':';
    }
    if (!append_json(reader, member, json, why)) return false;
  }
  json += is_map ? '}' : ']';
  reader.leave();
  return !reader.fault();
}

}  // namespace

bool append_json(CborReader& reader, const CborItem& item, std::string& json, const char*& why) {
  if (json.size() > kCborJsonMax) return is_too_large(why);
  switch (item.type) {
    case Type::kUnsigned:
    case Type::kNegative:
      append_whole(item, json);
      return true;
    case Type::kBytes:
    case Type::kText:
      return append_bytes(reader, item, json, why);
    case Type::kArray:
    case Type::kMap:
      return append_members(reader, item, json, why);
    case Type::kFlag:
      json += item.size ? "true" : "false";
      return true;
    case Type::kNumber:
      append_json_number(json, item.number);
      return true;
    default:
      json += "null";
      return true;
  }
}

}  // namespace wayside
