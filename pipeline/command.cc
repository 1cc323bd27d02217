#include "pipeline/command.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/text.h"
#include "sensors/mqtt_packet.h"

namespace wayside {
namespace {

constexpr size_t kIdMax = 256;  // bytes: the last ones of each key are kept

constexpr const char* kOtherContent = "other_content";

// Why the id can be none; null: it is good.
const char* wrong_id(std::string_view id) {
  if (id.empty()) return "no_id";
  return id.size() > kIdMax ? "long_id" : nullptr;
}

// Fields with other names may be other ones: then nobody knows.
bool is_other(uint64_t content, uint64_t known) {
  const bool comparable = content != 0 && known != 0 && content >> 32 == known >> 32;
  return comparable && content != known;
}

Decided refused(std::string_view id, const char* reason, uint64_t version) {
  Decided decided;
  decided.decision.id = id.substr(0, kIdMax);
  decided.decision.outcome = CommandOutcome::kRefused;
  decided.decision.reason = reason;
  decided.decision.version = version;
  return decided;
}

}  // namespace

const char* to_text(CommandOutcome outcome) {
  return outcome == CommandOutcome::kAccepted ? "accepted" : "refused";
}

// ---- how it is made

Command::Command(const CommandOptions& options, const Stream& input, Places places,
                 const KeyTable& keys)
    : options_(options),
      places_(places),
      keys_(keys),
      schema_(input.schema()),
      output_(std::make_unique<Stream>(options.name, input.schema(), input.time())) {
  take_fields();
}

// But for where its answer goes, and what is filled from former commands.
void Command::take_fields() {
  std::string names;
  for (size_t c = 0; c + 2 < schema_.fields.size(); ++c) {
    const Field& field = schema_.fields[c];
    const auto& kept = options_.keep;
    if (std::find(kept.begin(), kept.end(), field.name) != kept.end()) continue;
    fields_.push_back(c);
    names += field.name + '/' + std::to_string(static_cast<int>(field.type)) + '/';
  }
  named_ = hash64(names) << 32;
}

std::unique_ptr<Command> Command::make(const CommandOptions& options, const Stream& input,
                                       Places places, const KeyTable& keys,
                                       ExpressionEngine& engine, BlockError& error) {
  std::unique_ptr<Command> command(new Command(options, input, places, keys));
  return command->compile(engine, error) && command->find_topic(error) ? std::move(command)
                                                                       : nullptr;
}

bool Command::compile(ExpressionEngine& engine, BlockError& error) {
  std::vector<ColumnExpressions::Item> items;
  items.push_back({"id", options_.id, 0, 0, type_of(schema_, options_.id)});
  for (const auto& [reason, condition] : options_.require) {
    items.push_back({"require." + reason, condition});
  }
  const auto add = [&](const char* item, const std::string& sql, size_t& place) {
    if (sql.empty()) return;
    place = items.size();
    items.push_back({item, sql});
  };
  add("version", options_.version, version_);
  add("changes", options_.changes, changes_);
  if (!expressions_.compile(engine, schema_, items, error)) return false;
  if (items[0].type == FieldType::kText) return true;
  error.item = "id";
  error.message = "'" + options_.id + "' is not a text; give the field type = \"text\"";
  return false;
}

// "shop/{till}/answer" is "shop/", the column till, "/answer".
bool Command::find_topic(BlockError& error) {
  const std::string& text = options_.answer_topic;
  for (size_t at = 0; at < text.size();) {
    const size_t open = std::min(text.find('{', at), text.size());
    const size_t close = text.find('}', open);
    size_t column = schema_.fields.size();
    if (open < text.size()) {
      const std::string name = text.substr(open + 1, close - std::min(open + 1, close));
      column = schema_.find(name);
      const bool good = close != std::string::npos && column < schema_.fields.size() &&
                        schema_.fields[column].type == FieldType::kText;
      if (!good) {
        error.item = "answer_topic";
        error.message = close == std::string::npos ? "there is a '{' without a '}'"
                                                   : "there is no text '" + name + "'";
        return false;
      }
    }
    topic_.emplace_back(text.substr(at, open - at), column);
    at = open == text.size() ? open : close + 1;
  }
  return true;
}

ViewShape Command::decisions(uint32_t max_rows) {
  using enum FieldType;
  return {"commands",
          {{"command", kText},
           {"number", kNumber},
           {"key", kText},
           {"id", kText},
           {"outcome", kText},
           {"reason", kText},
           {"version", kNumber}},
          2,
          max_rows,
          1};
}

// ---- rows

void Command::process(size_t, const Rows& rows, EmissionBuffer& out) {
  expressions_.evaluate(rows.view, rows.present);
  present_.assign(rows.view.rows, 0);
  for (size_t row = 0; row < rows.view.rows; ++row) {
    if (!rows.is_present(row)) continue;
    const auto then =
        then_ ? then_->find(rows.place(row)) : std::map<uint32_t, Decided>::iterator();
    if (then_ && then == then_->end()) {  // nobody has decided on it, and nobody will
      rows.set_dropped(row);
      continue;
    }
    Key& key = state(rows.view.keys[row]);
    const Decided decided = then_ ? then->second : decide(key, rows, row);
    carry_out(decided, key, rows, row);
    tell(decided, keys_.text(rows.view.keys[row]), rows, row, out);
  }
  Rows accepted = rows;
  accepted.present = present_.data();
  output_->push(accepted, out);
}

void Command::carry_out(const Decided& decided, Key& key, const Rows& rows, size_t row) {
  const CommandDecision& d = decided.decision;
  const bool accepted = d.outcome == CommandOutcome::kAccepted;
  if (decided.repeated) return rows.set_verdict(row, Fates::kRepeated);
  if (!accepted) rows.set_verdict(row, Fates::kRefused);
  if (accepted && d.changes) {
    key.version = d.version;
    present_[row] = 1;
  }
  // To carry it out again does no harm, or nobody could tell that it is the same.
  if (wrong_id(d.id) || d.reason == "long_id" || d.reason == kOtherContent) return;
  if (accepted && !d.changes) return;
  std::deque<CommandDecision>& last = accepted ? key.accepted : key.refused;
  last.push_back(d);
  if (last.size() > options_.remember) last.pop_front();
}

void Command::obey(std::string_view decided) { then_ = parse_decided(decided); }

bool Command::had_room(uint32_t place) const {
  if (!then_) return false;
  const auto then = then_->find(place);
  return then != then_->end() && then->second.decision.reason != kNoRoom &&
         then->second.decision.reason != kLongKey;
}

void Command::refuse(const char* reason, std::string_view key, const Rows& row,
                     EmissionBuffer& out) {
  expressions_.evaluate(row.view);
  tell(refused(id_of(0), reason, 0), key.substr(0, kKeyMax), row, 0, out);
}

Command::Key& Command::state(uint32_t key) {
  if (key >= states_.size()) states_.resize(key + 1);
  known_ += !std::exchange(states_[key].known, true);
  return states_[key];
}

std::string_view Command::id_of(size_t row) const {
  const uint32_t id = expressions_.texts(0)[row];
  return id == Interner::kNone ? std::string_view() : expressions_.dictionary(0)->text(id);
}

uint64_t Command::content_of(const Rows& rows, size_t row) const {
  std::string bytes;
  ByteWriter out(bytes);
  for (const size_t c : fields_) {
    const ColumnView& column = rows.view.columns[c];
    if (!column.texts) {
      out.fixed(column.numbers[row]);
      continue;
    }
    out.fixed<uint8_t>(column.texts[row] != Interner::kNone);
    out.text(text(c, rows, row));
  }
  return named_ | (hash64(bytes) & UINT32_MAX);
}

Decided Command::decide(const Key& key, const Rows& rows, size_t row) const {
  const std::string_view id = id_of(row);
  if (const char* wrong = wrong_id(id)) return refused(id, wrong, key.version);
  const uint64_t content = content_of(rows, row);
  for (const auto* last : {&key.accepted, &key.refused}) {
    const auto known = std::find_if(last->begin(), last->end(),
                                    [&](const CommandDecision& d) { return d.id == id; });
    if (known == last->end()) continue;
    if (is_other(content, known->content)) return refused(id, kOtherContent, key.version);
    return {*known, true};
  }
  Decided decided;
  if (const char* reason = refusal_of(key, row)) decided = refused(id, reason, key.version);
  CommandDecision& d = decided.decision;
  d.content = content;
  if (d.outcome == CommandOutcome::kRefused) return decided;
  d.id = id;
  d.changes = changes_ == 0 || is_true(expressions_.values(changes_)[row]);
  d.version = key.version + d.changes;
  return decided;
}

// Null: there is none.
const char* Command::refusal_of(const Key& key, size_t row) const {
  if (version_ > 0) {
    const double expected = expressions_.values(version_)[row];
    if (!is_null(expected) && expected != static_cast<double>(key.version)) return "version";
  }
  for (size_t i = 0; i < options_.require.size(); ++i) {
    if (!is_true(expressions_.values(1 + i)[row])) return options_.require[i].first.c_str();
  }
  return nullptr;
}

// Into the table of decisions, a repeated one too, and to who has sent it.
void Command::tell(const Decided& decided, std::string_view key, const Rows& rows, size_t row,
                   EmissionBuffer& out) {
  const auto& [decision, repeated] = decided;
  ++decided_;
  ViewChange& change =
      out.views().change(places_.decisions, options_.name + '/' + std::to_string(decided_));
  change.time_ms = rows.view.times[row];
  change.removed = false;
  change.values = {options_.name,
                   static_cast<double>(decided_),
                   std::string(key),
                   decision.id,
                   std::string(repeated ? "repeated" : to_text(decision.outcome)),
                   decision.reason,
                   static_cast<double>(decision.version)};
  const size_t columns = schema_.fields.size();
  out.answers().push_back({places_.command, std::string(key), rows.place(row), decision, repeated,
                           topic_of(rows, row), text(columns - 2, rows, row),
                           text(columns - 1, rows, row)});
}

std::string Command::text(size_t column, const Rows& rows, size_t row) const {
  const uint32_t id = rows.view.columns[column].texts[row];
  return id == Interner::kNone ? std::string() : std::string(rows.view.texts->text(id));
}

// Empty also where a text in it makes it none that a broker would take: it would end the
// connection.
std::string Command::topic_of(const Rows& rows, size_t row) const {
  std::string topic;
  for (const auto& [literal, column] : topic_) {
    topic += literal;
    if (column == schema_.fields.size()) continue;
    const std::string level = text(column, rows, row);
    if (level.find('/') != std::string::npos) return {};  // who knows where that would go
    topic += level;
  }
  constexpr size_t kTopicMax = 65'535;
  return topic.size() <= kTopicMax && mqtt::is_good_topic(topic) ? topic : std::string();
}

// ---- keys and state

void Command::forget_key(uint32_t key, int64_t, EmissionBuffer&) {
  if (key >= states_.size()) return;
  known_ -= states_[key].known;
  states_[key] = {};
}

BlockStatus Command::status() const { return {options_.name, "command", decided_, known_}; }

uint64_t Command::fingerprint() const { return hash64("1/" + options_.key); }

bool Command::save_key(uint32_t key, ByteWriter& out) const {
  if (key >= states_.size() || !states_[key].known) return false;
  const Key& state = states_[key];
  out.varint(state.version);
  out.varint(state.accepted.size() + state.refused.size());
  for (const auto* last : {&state.accepted, &state.refused}) {
    for (const CommandDecision& d : *last) {
      out.text(d.id);
      out.fixed<uint8_t>(static_cast<uint8_t>(d.outcome));
      out.text(d.reason);
      out.varint(d.version);
    }
  }
  // Behind the rest: state of before has none.
  for (const auto* last : {&state.accepted, &state.refused}) {
    for (const CommandDecision& d : *last) out.fixed(d.content);
  }
  return true;
}

void Command::load_key(uint32_t key, ByteReader& in) {
  Key& loaded = state(key);
  loaded.version = in.varint();
  std::vector<CommandDecision> all(in.count(4));
  for (CommandDecision& d : all) {
    d.id = in.text();
    d.outcome = static_cast<CommandOutcome>(in.fixed<uint8_t>() & 1);
    d.reason = in.text();
    d.version = in.varint();
  }
  for (CommandDecision& d : all) {
    if (in.left() > 0) d.content = in.fixed<uint64_t>();
    (d.outcome == CommandOutcome::kAccepted ? loaded.accepted : loaded.refused)
        .push_back(std::move(d));
  }
}

}  // namespace wayside
