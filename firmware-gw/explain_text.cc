// Explanations for people and for programs.
#include "base/text.h"
#include "base/time.h"
#include "firmware-gw/explain.h"
#include "uplink/message.h"

namespace wayside {
namespace {

void append_if_any(std::string& out, const char* name, std::string_view text) {
  if (!text.empty()) append_json_member(out, name, text);
}

std::string fields_of(const ToldRow& told) {
  std::string json = "{";
  for (const NamedValue& field : told.fields) {
    if (json.size() > 1) json += ',';
    json.append("\"").append(field.name).append("\":");
    append_json_value(field.value, json);
  }
  return json + '}';
}

void append_explanation(const Explanation& e, std::string& out) {
  out += '{';
  append_if_any(out, "id", e.id);
  append_if_any(out, "type", e.told.type);
  const bool of_source = e.told.type == "reading" || e.told.type == "command";
  append_if_any(out, of_source ? "source" : "block", e.told.block);
  append_if_any(out, "key", e.told.key);
  out.append(",\"time\":").append(std::to_string(e.told.time_ms));
  if (of_source) out.append(",\"arrived\":").append(std::to_string(e.told.arrived_ms));
  out.append(",\"fields\":").append(fields_of(e.told));
  append_if_any(out, "rule", e.rule);
  append_if_any(out, "note", e.note);
  if (!of_source) {
    out.append(",\"total\":").append(std::to_string(e.total)).append(",\"behind\":[");
    for (size_t i = 0; i < e.behind.size(); ++i) {
      if (i > 0) out += ',';
      append_explanation(e.behind[i], out);
    }
    out += ']';
  }
  out += '}';
}

std::string grouped(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

void append_lines(const std::string& text, const std::string& indent, std::string& out) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    out.append(indent).append(text, at, end - at).append("\n");
    at = end + 1;
  }
}

void append_behind(const Explanation& e, const std::string& indent, std::string& out) {
  if (e.total == 0) {
    const bool by_block = !e.rule.empty();
    const std::string none = by_block ? "no readings" : "its journal entry alone";
    out += indent + "behind it: " + none + (e.note.empty() ? "" : " (" + printable(e.note) + ")") +
           "\n";
    return;
  }
  out += indent + "behind it: " + grouped(e.total) + (e.note.empty() ? "" : " (" + e.note + ")") +
         "\n";
  const uint64_t more = e.total - std::min<uint64_t>(e.total, e.behind.size());
  if (more > 0) out += indent + "  … and " + grouped(more) + " more before these\n";
  for (const Explanation& b : e.behind) {
    out += indent + "  ";
    const ToldRow& t = b.told;
    if (!b.id.empty()) out += b.id + "  arrived " + format_rfc3339(t.arrived_ms) + "  ";
    out += (t.type == "row" ? "" : t.type + " ") + t.block + "  " + printable(t.key) + "  " +
           format_rfc3339(t.time_ms) + "  " + printable(fields_of(t)) + "\n";
    if (t.type != "row") continue;
    append_lines(b.rule, indent + "    ", out);
    append_behind(b, indent + "    ", out);
  }
}

}  // namespace

std::string to_text(const ExplainedEvent& explained) {
  const ToldRow& told = explained.event.told;
  // An imported event, or a device, may say what it likes.
  std::string out = explained.event.id + "  " + printable(told.type) + "  " +
                    printable(told.block) + "  " + printable(told.key) + "  " +
                    format_rfc3339(told.time_ms) + "\n  " + printable(fields_of(told)) + "\n";
  out += "said in journal entry " + std::to_string(explained.entry) + ", committed " +
         format_rfc3339(explained.committed_ms) + ", cause " + explained.cause + "\n";
  out += "configuration " + version_digits(explained.config) + "\n";
  if (!explained.warning.empty()) out += "not exact: " + explained.warning + "\n";
  append_lines(explained.event.rule, "", out);
  append_behind(explained.event, "", out);
  return out;
}

std::string to_json(const ExplainedEvent& explained) {
  std::string out = "{\"entry\":" + std::to_string(explained.entry) +
                    ",\"committed\":" + std::to_string(explained.committed_ms);
  append_if_any(out, "cause", explained.cause);
  append_if_any(out, "config", version_digits(explained.config));
  append_if_any(out, "warning", explained.warning);
  out += ",\"event\":";
  append_explanation(explained.event, out);
  return out + "}";
}

}  // namespace wayside
