#include "sensors/json_decoder.h"

#include <simdjson.h>

#include <cmath>

#include "sensors/frame.h"

namespace wayside {
namespace {

namespace od = simdjson::ondemand;

// Where a member of an object leads: to a field, to the time, or to the members of a nested object.
struct Member {
  static constexpr int kTime = -1;
  static constexpr int kInner = -2;
  std::string name;
  int target = kInner;
  std::vector<Member> members;  // of a nested object
  // Members in the order of the last payload: the next one most likely has the same. -1: not
  // wanted.
  struct Seen {
    std::string written;  // escapes and all
    int member;
  };
  std::vector<Seen> layout;
};

constexpr size_t kLayoutMax = 64;

class JsonDecoder : public Decoder {
 public:
  JsonDecoder(const SourceOptions& source, size_t first_field)
      : fields_(source.fields), first_field_(first_field), time_unit_(source.time_unit) {
    for (size_t i = 0; i < fields_.size(); ++i) add_path(fields_[i].path, static_cast<int>(i));
    if (!source.time_path.empty()) add_path(source.time_path, Member::kTime);
  }

  bool decode(std::string_view payload, Row& row, Refusal& refusal) override {
    od::document document;
    // Frames come with kFramePadding readable bytes behind them.
    auto error = parser_.iterate(payload.data(), payload.size(), payload.size() + kFramePadding)
                     .get(document);
    od::object root;
    if (!error) error = document.get_object().get(root);
    if (error) {
      refusal = {"bad_json", simdjson::error_message(error)};
      return false;
    }
    if (!walk(root, root_, row, refusal)) return false;
    const char* rest;
    if (!document.current_location().get(rest)) {
      refusal = {"bad_json", "bytes follow the object"};
      return false;
    }
    return true;
  }

 private:
  void add_path(std::string_view path, int target) {
    Member* at = &root_;
    while (true) {
      size_t dot = path.find('.');
      std::string name(path.substr(0, dot));
      Member* next = nullptr;
      for (Member& m : at->members) {
        bool inner = m.target == Member::kInner;
        if (m.name == name && inner == (dot != std::string_view::npos)) next = &m;
      }
      if (!next || dot == std::string_view::npos) next = &at->members.emplace_back();
      next->name = std::move(name);
      at = next;
      if (dot == std::string_view::npos) break;
      path.remove_prefix(dot + 1);
    }
    at->target = target;
  }

  static int find(Member& object, size_t position, od::field& field) {
    auto& layout = object.layout;
    const od::raw_json_string key = field.key();
    if (position < layout.size() && stands_at(key, layout[position].written)) {
      return layout[position].member;
    }
    const std::string_view written = raw_text(key);
    std::string_view name = written;
    const bool escaped = written.find('\\') != std::string_view::npos;
    const bool good = !escaped || !field.unescaped_key().get(name);
    int found = -1;
    for (size_t i = 0; good && i < object.members.size() && found < 0; ++i) {
      if (object.members[i].name == name) found = static_cast<int>(i);
    }
    if (position < kLayoutMax) {
      if (layout.size() <= position) layout.resize(position + 1, {"", -1});
      layout[position] = {std::string(written), found};
    }
    return found;
  }

  // Whether a key is written like this. The padding behind a payload may be compared, but no more.
  static bool stands_at(od::raw_json_string key, const std::string& written) {
    return written.size() < kFramePadding ? key.unsafe_is_equal(written) : raw_text(key) == written;
  }

  // The key's bytes as they stand, up to its closing quote.
  static std::string_view raw_text(od::raw_json_string key) {
    const char* p = key.raw();
    const char* end = p;
    while (*end != '"') end += *end == '\\' ? 2 : 1;
    return {p, end};
  }

  bool walk(od::object& object, Member& node, Row& row, Refusal& refusal) {
    size_t position = 0;
    for (auto item : object) {
      od::field field;
      if (auto error = std::move(item).get(field); error) {
        refusal = {"bad_json", simdjson::error_message(error)};
        return false;
      }
      int found = find(node, position++, field);
      if (found < 0) continue;
      od::value value = field.value();
      if (!take_member(value, node.members[static_cast<size_t>(found)], row, refusal)) return false;
    }
    return true;
  }

  bool take_member(od::value& value, Member& member, Row& row, Refusal& refusal) {
    if (member.target == Member::kInner) {
      od::object inner;
      if (value.get_object().get(inner)) return skip_non_object(value, member, refusal);
      return walk(inner, member, row, refusal);
    }
    return member.target == Member::kTime
               ? take_time(value, row, refusal)
               : take_field(value, static_cast<size_t>(member.target), row, refusal);
  }

  static bool skip_non_object(od::value& value, const Member& member, Refusal& refusal) {
    bool null = false;
    if (!value.is_null().get(null) && null) return true;
    refusal = {"wrong_type", "'" + member.name + "' is not an object"};
    return false;
  }

  bool take_field(od::value& value, size_t index, Row& row, Refusal& refusal) {
    const FieldOptions& field = fields_[index];
    const size_t at = first_field_ + index;
    switch (field.type) {
      case FieldType::kNumber: {
        double number;
        if (value.get_double().get(number)) break;
        if (number_of(field, number, row.numbers[at])) return true;
        refusal = {"wrong_type", "field '" + field.name + "' is infinite"};
        return false;
      }
      case FieldType::kBool: {
        bool flag;
        if (value.get_bool().get(flag)) break;
        row.numbers[at] = flag ? 1 : 0;
        return true;
      }
      case FieldType::kText: {
        if (field.json) {
          if (take_json_as_text(value, row.texts[at])) return true;
          break;
        }
        std::string_view text;
        if (!value.get_string().get(text)) {
          row.texts[at] = text;
          return true;
        }
        if (take_scalar_as_text(value, row.texts[at])) return true;
        break;
      }
    }
    bool null = false;
    if (!value.is_null().get(null) && null) return true;
    static constexpr const char* kTypeNames[] = {"a number", "a text", "true or false"};
    const char* expected =
        field.json ? "an object or array" : kTypeNames[static_cast<size_t>(field.type)];
    refusal = {"wrong_type", "field '" + field.name + "' is not " + expected};
    return false;
  }

  // As it is written; what is wrong inside of it is found by whoever reads it.
  static bool take_json_as_text(od::value& value, std::string_view& text) {
    od::array array;
    od::object object;
    const bool good = !value.get_array().get(array)
                          ? !array.raw_json().get(text)
                          : !value.get_object().get(object) && !object.raw_json().get(text);
    text = without_space(text);
    return good;
  }

  // Ids often come as bare numbers: they are taken as they are written.
  static bool take_scalar_as_text(od::value& value, std::string_view& text) {
    od::json_type type;
    if (value.type().get(type)) return false;
    if (type != od::json_type::number && type != od::json_type::boolean) return false;
    text = without_space(value.raw_json_token());
    return true;
  }

  static std::string_view without_space(std::string_view token) {
    return token.substr(0, token.find_last_not_of(" \t\r\n") + 1);
  }

  bool take_time(od::value& value, Row& row, Refusal& refusal) {
    bool good = false;
    if (time_unit_ == TimeUnit::kRfc3339) {
      std::string_view text;
      if (!value.get_string().get(text)) {
        if (auto parsed = parse_rfc3339_ms(text)) {
          row.time_ms = *parsed;
          good = true;
        }
      }
    } else {
      int64_t whole;
      double number;
      if (!value.get_int64().get(whole)) {
        good = time_from_integer(whole, time_unit_, row.time_ms);
      } else if (!value.get_double().get(number)) {
        good = time_from_number(number, time_unit_, row.time_ms);
      }
    }
    if (good) {
      row.has_time = true;
      return true;
    }
    bool null = false;
    if (!value.is_null().get(null) && null) return true;  // then there is no time
    refusal = {"bad_time", "the time does not read as the declared unit"};
    return false;
  }

  std::vector<FieldOptions> fields_;
  size_t first_field_;
  TimeUnit time_unit_;
  Member root_;
  od::parser parser_;
};

}  // namespace

std::unique_ptr<Decoder> make_json_decoder(const SourceOptions& source, size_t first_field) {
  return std::make_unique<JsonDecoder>(source, first_field);
}

}  // namespace wayside
