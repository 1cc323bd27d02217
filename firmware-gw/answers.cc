#include "firmware-gw/answers.h"

#include <algorithm>

#include "base/text.h"
#include "firmware-gw/loop.h"
#include "uplink/message.h"

namespace wayside {
std::string json_of(const ViewRow& row) {
  std::string json = "{";
  for (const auto& [name, value] : row) {
    if (json.size() > 1) json += ',';
    append_json_string(json, name);
    json += ':';
    append_json_value(value, json);
  }
  return json + '}';
}

std::string answer_json(const std::string& command, const CommandAnswer& answer,
                        const ViewRow* row) {
  std::string json = "{";
  append_json_member(json, "command", command);
  append_json_member(json, "key", answer.key);
  append_json_member(json, "id", answer.decision.id);
  append_json_member(json, "outcome", to_text(answer.decision.outcome));
  if (!answer.decision.reason.empty()) append_json_member(json, "reason", answer.decision.reason);
  if (answer.repeated) json += ",\"repeated\":true";
  json += ",\"version\":" + std::to_string(answer.decision.version);
  if (!row) return json + '}';
  json += ",\"row\":";
  if (row->empty()) return json + "null}";
  return json + json_of(*row) + '}';
}

// A row of the store is as the group has left it: that is what an answer may show unless a later
// command of the group has changed it.
bool Loop::is_changed_behind(const CommandAnswer& answer) const {
  const std::vector<CommandAnswer>& all = engine_->emissions().answers();
  const auto behind = all.begin() + (&answer - all.data()) + 1;
  return std::any_of(behind, all.end(), [&](const CommandAnswer& later) {
    return later.key == answer.key && later.decision.changes && !later.repeated &&
           config_.commands[later.command].view == config_.commands[answer.command].view;
  });
}

// What the group has decided, once it is safe. An answer that does not arrive is asked for again,
// with the same id.
void Loop::answer_commands() {
  for (const CommandAnswer& answer : engine_->emissions().answers()) {
    const CommandOptions& command = config_.commands[answer.command];
    SentAnswer sent{SentAnswer::kNone, answer.topic, answer.reply_to,
                    from_hex(answer.correlation).value_or(""), ""};
    for (uint32_t c = 0; c < config_.mqtt.size(); ++c) {
      const bool only = command.mqtt.empty() && config_.mqtt.size() == 1;
      if (only || config_.mqtt[c].name == command.mqtt) sent.connection = c;
    }
    if (sent.topic.empty() && sent.reply_to.empty()) continue;
    std::optional<ViewRow> row;
    if (!command.view.empty() && !is_changed_behind(answer)) {
      auto found = store_->view_row(command.view, answer.key);
      if (!found.ok()) {
        log_warn("command {}: {}; it is not answered", command.name, found.error().message);
        continue;
      }
      row = std::move(*found);
    }
    sent.json = answer_json(command.name, answer, row ? &*row : nullptr);
    if (outside_.answer) outside_.answer(sent);
  }
}

}  // namespace wayside
