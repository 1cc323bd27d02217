#include "sensors/json_decoder.h"

#include <simdjson.h>

#include <utility>

#include "sensors/frame.h"
#include "sensors/json_parser.h"
#include "sensors/path_tree.h"
#include "sensors/row_writer.h"

namespace wayside {
namespace {

namespace od = simdjson::ondemand;

// Where a member of an object leads: to a field, to the time, to the members of a nested object or
// the elements of a nested array, or to the readings.
struct Member {
  static constexpr int kTime = -1;
  static constexpr int kInner = -2;
  static constexpr int kEach = -3;
  std::string name;
  int target = kInner;
  std::vector<Member> members;  // of a nested object, or of an array by their numbers
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
      : writer_(source, first_field),
        has_each_(!source.each.empty()),
        is_each_payload_(source.each == kWholePayload) {
    for (size_t i = 0; i < source.fields.size(); ++i) {
      add_field(source.fields[i].path, static_cast<int>(i));
    }
    if (!source.time_path.empty()) add_field(source.time_path, Member::kTime);
    if (has_each_ && !is_each_payload_) add_path(root_, source.each, Member::kEach);
  }

  bool decode(const Frame& message, const Now&, Readings& out, Refusal& refusal) override {
    out_ = &out;
    refusal_ = &refusal;
    is_broken_ = false;
    od::document document;
    const auto error = parser_.iterate(message.payload).get(document);
    if (error) return bad(error);
    if (!(has_each_ ? take_readings(document) : take_object(document, out.add()))) return false;
    const char* rest;
    if (document.current_location().get(rest)) return true;
    refusal = {"bad_json", has_each_ ? "bytes follow the value" : "bytes follow the object"};
    return false;
  }

 private:
  // It is no JSON from there on.
  bool bad(simdjson::error_code error) {
    is_broken_ = true;
    *refusal_ = {"bad_json", simdjson::error_message(error)};
    return false;
  }

  // ---- paths

  // With `each` a path begins at the element, or with a '/' before it at the payload.
  void add_field(std::string_view path, int target) {
    const bool from_payload = path.starts_with('/');
    if (from_payload) path.remove_prefix(1);
    const bool is_beside = has_each_ && from_payload;
    if (is_beside && target >= 0) beside_fields_.push_back(writer_.place(size_t(target)));
    add_path(has_each_ && !is_beside ? element_ : root_, path, target);
  }

  static void add_path(Member& from, std::string_view path, int target) {
    Member* at = &from;
    for (bool last = false; !last;) {
      std::string name = take_path_name(path, last);
      Member* next = nullptr;
      for (Member& m : at->members) {
        bool inner = m.target == Member::kInner;
        if (m.name == name && inner == !last) next = &m;
      }
      if (!next || last) next = &at->members.emplace_back();
      next->name = std::move(name);
      at = next;
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

  // ---- readings

  bool take_object(od::document& document, Row& row) {
    od::object root;
    if (const auto error = document.get_object().get(root)) return bad(error);
    return walk(root, root_, row);
  }

  // What stands beside the array may follow it: it joins the readings at the end.
  bool take_readings(od::document& document) {
    if (is_each_payload_) {
      od::array elements;
      if (const auto error = document.get_array().get(elements)) return bad(error);
      return take_elements(elements);
    }
    beside_ = out_->empty();
    has_met_each_ = false;
    if (!take_object(document, beside_)) return false;
    if (!has_met_each_) {
      *refusal_ = {"wrong_type", "the array of readings is missing"};
      return false;
    }
    for (size_t i = 0; i < out_->size(); ++i) complete(out_->row(i));
    return true;
  }

  void complete(Row& row) const {
    if (beside_.has_time) {
      row.time_ms = beside_.time_ms;
      row.has_time = true;
    }
    for (const size_t i : beside_fields_) {
      row.numbers[i] = beside_.numbers[i];
      row.texts[i] = beside_.texts[i];
    }
  }

  // An element with a value of a wrong type is refused alone; what is no JSON refuses them all.
  bool take_elements(od::array& elements) {
    for (auto item : elements) {
      od::value value;
      if (const auto error = std::move(item).get(value)) return bad(error);
      if (out_->is_full()) return too_many_readings(*out_, *refusal_);
      if (!take_element(value, out_->add())) {
        if (is_broken_) return false;
        out_->refuse(std::exchange(*refusal_, {}));
      }
    }
    return true;
  }

  bool take_element(od::value& value, Row& row) {
    od::object object;
    auto error = value.get_object().get(object);
    if (!error) return walk(object, element_, row);
    if (error != simdjson::INCORRECT_TYPE) return bad(error);
    od::array array;
    error = value.get_array().get(array);
    if (!error) return walk(array, element_, row);
    if (error != simdjson::INCORRECT_TYPE) return bad(error);
    *refusal_ = {"wrong_type", "is neither an object nor an array"};
    return false;
  }

  bool walk(od::object& object, Member& node, Row& row) {
    size_t position = 0;
    for (auto item : object) {
      od::field field;
      if (const auto error = std::move(item).get(field)) return bad(error);
      const int found = find(node, position++, field);
      if (found < 0) continue;
      od::value value = field.value();
      if (!take_member(value, node.members[static_cast<size_t>(found)], row)) return false;
    }
    return true;
  }

  bool walk(od::array& array, Member& node, Row& row) {
    size_t number = 0;
    for (auto item : array) {
      od::value value;
      if (const auto error = std::move(item).get(value)) return bad(error);
      const std::string name = std::to_string(number++);
      for (Member& m : node.members) {
        if (m.name == name && !take_member(value, m, row)) return false;
      }
    }
    return true;
  }

  bool take_member(od::value& value, Member& member, Row& row) {
    if (member.target == Member::kInner) return take_inner(value, member, row);
    if (member.target == Member::kTime) return take_time(value, row);
    if (member.target != Member::kEach) return take_field(value, size_t(member.target), row);
    od::array elements;
    if (value.get_array().get(elements)) return nothing_or(value, member, "an array");
    has_met_each_ = true;
    return take_elements(elements);
  }

  bool take_inner(od::value& value, Member& member, Row& row) {
    od::object object;
    if (!value.get_object().get(object)) return walk(object, member, row);
    od::array array;
    if (!value.get_array().get(array)) return walk(array, member, row);
    return nothing_or(value, member, "an object");
  }

  static bool is_null_value(od::value& value) {
    bool null = false;
    return !value.is_null().get(null) && null;
  }

  bool nothing_or(od::value& value, const Member& member, const char* expected) {
    if (is_null_value(value)) return true;
    *refusal_ = {"wrong_type", "'" + member.name + "' is not " + expected};
    return false;
  }

  // ---- values

  bool take_field(od::value& value, size_t field, Row& row) {
    const FieldOptions& f = writer_.fields()[field];
    if (f.json) {
      if (take_json_as_text(value, row.texts[writer_.place(field)])) return true;
      return is_null_value(value) || writer_.wrong_type(field, *refusal_);
    }
    double number;
    std::string_view text;
    bool flag;
    if (f.type == FieldType::kNumber && !value.get_double().get(number)) {
      return writer_.number(field, number, row, *out_, *refusal_);
    }
    if (!value.get_string().get(text)) return writer_.text(field, text, row, *refusal_);
    // Ids often come as bare numbers: as a text they are taken as they are written.
    const std::string_view token = value.raw_json_token();
    const bool is_flag = !value.get_bool().get(flag);
    if (!is_flag && value.get_double().get(number)) {
      return is_null_value(value) || writer_.wrong_type(field, *refusal_);
    }
    if (f.type == FieldType::kText) {
      row.texts[writer_.place(field)] = without_space(token);
      return true;
    }
    return is_flag ? writer_.flag(field, flag, row, *refusal_)
                   : writer_.number(field, number, row, *out_, *refusal_);
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

  static std::string_view without_space(std::string_view token) {
    return token.substr(0, token.find_last_not_of(" \t\r\n") + 1);
  }

  bool take_time(od::value& value, Row& row) {
    std::string_view text;
    int64_t whole;
    double number;
    if (!value.get_string().get(text)) return writer_.time(text, row, *refusal_);
    if (!value.get_int64().get(whole)) return writer_.time(whole, row, *refusal_);
    if (!value.get_double().get(number)) return writer_.time(number, row, *refusal_);
    // Without a value there is no time.
    return is_null_value(value) || writer_.wrong_time(*refusal_);
  }

  RowWriter writer_;
  bool has_each_;
  bool is_each_payload_;
  Member root_;
  Member element_;
  std::vector<size_t> beside_fields_;  // places of fields that stand beside the readings
  JsonParser parser_;
  // Of the message that is being read.
  Readings* out_ = nullptr;
  Refusal* refusal_ = nullptr;
  Row beside_;
  bool is_broken_ = false;
  bool has_met_each_ = false;
};

}  // namespace

std::unique_ptr<Decoder> make_json_decoder(const SourceOptions& source, size_t first_field) {
  return std::make_unique<JsonDecoder>(source, first_field);
}

}  // namespace wayside
