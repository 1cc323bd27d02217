#include "pipeline/command.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/text.h"
#include "sensors/mqtt_packet.h"

namespace wayside {
namespace {

constexpr size_t kIdMax = 256;  // bytes: the last ones of each key are kept

// Why the id can be none; null: it is good.
const char* wrong_id(std::string_view id) {
  if (id.empty()) return "no_id";
  return id.size() > kIdMax ? "long_id" : nullptr;
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
      output_(std::make_unique<Stream>(options.name, input.schema(), input.time())) {}

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
    Key& key = state(rows.view.keys[row]);
    const uint32_t id = expressions_.texts(0)[row];
    const std::string_view id_text =
        id == Interner::kNone ? "" : expressions_.dictionary(0)->text(id);
    const auto known =
        std::find_if(key.decided.begin(), key.decided.end(),
                     [&](const CommandDecision& d) { return !id_text.empty() && d.id == id_text; });
    if (known != key.decided.end()) {
      rows.set_verdict(row, Fates::kRepeated);
      tell(*known, rows, row, true, out);
      continue;
    }
    const bool changes = changes_ == 0 || is_true(expressions_.values(changes_)[row]);
    CommandDecision decision = decide(key, row, changes);
    decision.id = id_text;
    if (const char* wrong = wrong_id(id_text)) {
      decision.outcome = CommandOutcome::kRefused;
      decision.reason = wrong;
      decision.id.resize(std::min(decision.id.size(), kIdMax));
    }
    const bool accepted = decision.outcome == CommandOutcome::kAccepted;
    if (accepted && changes) {
      key.version = decision.version;
      present_[row] = 1;
    } else {
      decision.version = key.version;
    }
    if (!accepted) rows.set_verdict(row, Fates::kRefused);
    tell(decision, rows, row, false, out);
    // To carry it out again does no harm, or nobody could tell that it is the same.
    if (wrong_id(id_text) || (accepted && !changes)) continue;
    key.decided.push_back(std::move(decision));
    if (key.decided.size() > options_.remember) key.decided.pop_front();
  }
  Rows accepted = rows;
  accepted.present = present_.data();
  output_->push(accepted, out);
}

Command::Key& Command::state(uint32_t key) {
  if (key >= states_.size()) states_.resize(key + 1);
  known_ += !std::exchange(states_[key].known, true);
  return states_[key];
}

CommandDecision Command::decide(const Key& key, size_t row, bool changes) const {
  CommandDecision decision;
  decision.version = key.version + changes;
  if (version_ > 0) {
    const double expected = expressions_.values(version_)[row];
    if (!is_null(expected) && expected != static_cast<double>(key.version)) {
      decision.reason = "version";
    }
  }
  for (size_t i = 0; i < options_.require.size() && decision.reason.empty(); ++i) {
    if (!is_true(expressions_.values(1 + i)[row])) decision.reason = options_.require[i].first;
  }
  if (!decision.reason.empty()) decision.outcome = CommandOutcome::kRefused;
  return decision;
}

// Into the table of decisions, a repeated one too, and to who has sent it.
void Command::tell(const CommandDecision& decision, const Rows& rows, size_t row, bool repeated,
                   EmissionBuffer& out) {
  const std::string& key = keys_.text(rows.view.keys[row]);
  ++decided_;
  ViewChange& change =
      out.views().change(places_.decisions, options_.name + '/' + std::to_string(decided_));
  change.time_ms = rows.view.times[row];
  change.removed = false;
  change.values = {options_.name,
                   static_cast<double>(decided_),
                   key,
                   decision.id,
                   std::string(repeated ? "repeated" : to_text(decision.outcome)),
                   decision.reason,
                   static_cast<double>(decision.version)};
  const size_t columns = schema_.fields.size();
  out.answers().push_back({places_.command, key, decision, topic_of(rows, row),
                           text(columns - 2, rows, row), text(columns - 1, rows, row)});
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
  out.varint(state.decided.size());
  for (const CommandDecision& d : state.decided) {
    out.text(d.id);
    out.fixed<uint8_t>(static_cast<uint8_t>(d.outcome));
    out.text(d.reason);
    out.varint(d.version);
  }
  return true;
}

void Command::load_key(uint32_t key, ByteReader& in) {
  Key& loaded = state(key);
  loaded.version = in.varint();
  for (size_t n = in.count(4); n > 0; --n) {
    CommandDecision& d = loaded.decided.emplace_back();
    d.id = in.text();
    d.outcome = static_cast<CommandOutcome>(in.fixed<uint8_t>() & 1);
    d.reason = in.text();
    d.version = in.varint();
  }
}

}  // namespace wayside
