#include "firmware-gw/command_line.h"

#include <simdjson.h>

#include <algorithm>

#include "base/text.h"
#include "firmware-gw/command_socket.h"
#include "firmware-gw/engine.h"

namespace wayside {
namespace {

Result<std::string> level_text(const simdjson::dom::element& object, const std::string& level) {
  simdjson::dom::element value;
  if (object[level].get(value)) {
    return Error{ErrorCode::kUsage, "the topic needs a \"" + level + "\" in the command"};
  }
  std::string_view text;
  std::string out = value.get(text) ? simdjson::minify(value) : std::string(text);
  if (out.empty() || out.find_first_of("/+#") != std::string::npos) {
    return Error{
        ErrorCode::kUsage,
        "\"" + level + "\" becomes a level of the topic: it must not be empty, nor hold /, + or #"};
  }
  return out;
}

// "shop/{till}/order" with {"till":7} is "shop/7/order".
Result<std::string> topic_of(const CommandOptions& command, const std::string& payload) {
  simdjson::dom::parser parser;
  simdjson::dom::element object;
  if (parser.parse(payload).get(object) || !object.is_object()) {
    return Error{ErrorCode::kUsage, "a command is a JSON object: '{\"…\":…}'"};
  }
  if (command.topic.find_first_of("+#") != std::string::npos) {
    return Error{ErrorCode::kUsage,
                 "the topic of '" + command.name + "' has levels without a name"};
  }
  std::string topic = command.topic;
  for (size_t open = 0; (open = topic.find('{', open)) != std::string::npos;) {
    const size_t close = topic.find('}', open);
    WS_ASSIGN(const std::string text, level_text(object, topic.substr(open + 1, close - open - 1)));
    topic.replace(open, close + 1 - open, text);
    open += text.size();
  }
  return topic;
}

// What the door would refuse has no answer: it is asked here before.
Status admit(const Config& config, const std::string& topic, const std::string& payload) {
  WS_ASSIGN(const auto engine, Engine::make(config, {}));
  Chunk chunk = chunk_of(topic, payload);
  chunk.connection = Admission::kAnyConnection;
  // The gateway may lag, and has the last word about times.
  Now now;
  now.may_lag_ms = kTimeMax / 4;
  Group group = engine->admission().make_group();
  engine->admission().begin_turn(now, group);
  engine->admission().admit(chunk, group);
  if (group.rejected.empty()) return {};
  const Rejected& r = group.rejected.front();
  return Error{ErrorCode::kUsage,
               std::string(r.reason) + (r.detail.empty() ? "" : ": ") + r.detail};
}

}  // namespace

Result<CommandLineAnswer> run_command(const Config& config, const std::string& name,
                                      const std::string& payload, int64_t timeout_ms) {
  std::vector<std::string> names;
  for (const CommandOptions& c : config.commands) names.push_back(c.name);
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    const auto near = nearest(name, names);
    return Error{ErrorCode::kUsage, "there is no [[command]] '" + name + "'" +
                                        (near ? "; did you mean '" + *near + "'?" : "")};
  }
  const CommandOptions& command = config.commands[static_cast<size_t>(found - names.begin())];
  WS_ASSIGN(const std::string topic, topic_of(command, payload));
  WS_TRY(admit(config, topic, payload));
  CommandLineAnswer answer;
  WS_ASSIGN(answer.json, send_command(config.gateway.state_dir, topic, payload, timeout_ms));
  simdjson::dom::parser parser;
  std::string_view refusal;
  if (!parser.parse(answer.json)["error"].get(refusal)) {
    return Error{ErrorCode::kUnavailable,
                 "the gateway has not taken the command: " + std::string(refusal)};
  }
  std::string_view outcome;
  answer.accepted = !parser.parse(answer.json)["outcome"].get(outcome) &&
                    outcome == to_text(CommandOutcome::kAccepted);
  return answer;
}

}  // namespace wayside
