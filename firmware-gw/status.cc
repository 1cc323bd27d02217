#include "firmware-gw/status.h"

#include "base/text.h"

namespace wayside {
namespace {

// Just enough JSON: members in the order in which they are added.
class Json {
 public:
  void open(const char* name = nullptr) { begin(name), out_ += '{', first_ = true; }
  void close() { out_ += '}', first_ = false; }
  void open_list(const char* name) { begin(name), out_ += '[', first_ = true; }
  void close_list() { out_ += ']', first_ = false; }
  void add(const char* name, const std::string& text) {
    begin(name);
    append_json_string(out_, text);
  }
  void add(const char* name, bool flag) { begin(name), out_ += flag ? "true" : "false"; }
  template <class Number>
  void add(const char* name, Number number) requires std::is_integral_v<Number> {
    begin(name), out_ += std::to_string(number);
  }
  void add(const char* name, double number) {
    begin(name);
    append_json_number(out_, number);
  }
  std::string take() { return std::move(out_); }

 private:
  void begin(const char* name) {
    if (!first_) out_ += ',';
    first_ = false;
    if (!name) return;
    append_json_string(out_, name);
    out_ += ':';
  }
  std::string out_;
  bool first_ = true;
};

void add_ledger(Json& json, const Ledger& ledger) {
  json.add("in", ledger.in);
  json.add("used", ledger.used);
  json.add("late", ledger.late);
  json.add("duplicate", ledger.duplicate);
  json.add("quarantined", ledger.quarantined);
  json.add("dropped", ledger.dropped);
  json.add("balanced", ledger.balanced());
}

// What there is no figure for yet is left out.
void add_quality(Json& json, const std::optional<QualityFigures>& quality) {
  if (!quality || quality->readings == 0) return;
  json.open("quality");
  json.add("readings", quality->readings);
  json.add("completeness", quality->completeness());
  json.add("validity", quality->validity());
  json.add("mean_lag_ms", quality->mean_lag_ms());
  json.close();
}

}  // namespace

std::string Snapshot::to_json() const {
  Json json;
  json.open();
  json.add("gateway", gateway);
  json.add("epoch", epoch);
  json.add("config", version_digits(config));
  json.add("wall_ms", now.wall_ms);
  json.add("clock", std::string(to_text(now.clock)));
  json.open("journal");
  json.add("entry", journal_entry);
  json.add("head", journal_head);
  json.add("bytes_written", journal_bytes);
  json.add("commits", commits);
  json.add("commit_us", commit_us);
  json.add("trouble", trouble);
  json.close();
  json.open("queue");
  json.add("bytes", queue.used_bytes);
  json.add("limit_bytes", queue.limit_bytes);
  json.add("full", queue.is_full);
  json.add("times_full", queue.times_full);
  json.add("full_ms", int64_t{queue.full_for.count()});
  json.close();
  json.open("flash");
  json.add("written_bytes", flash.written_bytes);
  json.add("flushes", flash.flushes);
  json.add("bytes_per_payload_byte", flash.bytes_per_payload_byte());
  json.add("gb_per_day", flash.gb_per_day);
  json.add("endurance_bytes", flash.endurance_bytes);
  json.add("years_left", flash.years_left());
  json.close();
  json.open("storage");
  json.add("journal_bytes", storage.journal_bytes);
  json.add("store_bytes", storage.store_bytes);
  json.add("limit_bytes", storage.limit_bytes);
  json.add("journal_share", storage.journal_share);
  json.add("free_bytes", storage.free_bytes);
  json.add("waiting_bytes", storage.waiting_bytes);
  json.add("full_in_s", storage.full_in_s);
  json.add("thinned_bytes", storage.thinned_bytes);
  json.add("thinned_readings", storage.thinned_readings);
  json.add("lost_readings", storage.lost_readings);
  json.add("lost_results", storage.lost_results);
  json.add("lost_alarms", storage.lost_alarms);
  json.close();
  json.open("readings");
  add_ledger(json, total);
  json.close();
  json.open("unrouted");
  add_ledger(json, unrouted);
  json.close();
  json.open_list("sources");
  for (const auto& s : sources) {
    json.open();
    json.add("name", s.name);
    add_ledger(json, s.ledger);
    json.add("out_of_range", s.out_of_range);
    json.open_list("cleaned");
    for (const auto& c : s.cleaned) {
      json.open();
      json.add("field", c.field);
      json.add("reason", std::string(name_of(c.reason)));
      json.add("readings", c.readings);
      json.close();
    }
    json.close_list();
    add_quality(json, s.quality);
    json.add("rolled_over", s.rolled_over);
    json.add("waiting", s.waiting);
    json.add("keys", s.keys);
    json.close();
  }
  json.close_list();
  json.open_list("blocks");
  for (const auto& b : blocks) {
    json.open();
    json.add("name", b.name);
    json.add("kind", b.kind);
    json.add("emitted", b.emitted);
    json.add("open", b.open);
    json.add("late", b.late);
    json.add("faults", b.faults);
    json.add("dropped", b.dropped);
    json.add("evicted", b.evicted);
    json.add("keys", b.keys);
    json.add("evicted_keys", b.evicted_keys);
    json.add("resident_keys", b.resident_keys);
    json.close();
  }
  json.close_list();
  json.open_list("uplinks");
  for (const UplinkStatus& u : uplinks) {
    json.open();
    json.add("name", u.name);
    json.add("connected", u.connected);
    json.add("emitted", u.emitted);
    json.add("delivered", u.delivered);
    json.add("pending", u.pending());
    json.add("compacted", u.compacted);
    json.add("dropped", u.dropped);
    json.add("balanced", u.balanced());
    json.add("trouble", u.trouble);
    json.add("mark", u.mark);
    json.close();
  }
  json.close_list();
  json.open_list("mqtt");
  for (const ConnectionStatus& c : connections) {
    if (!c.is_mqtt) continue;
    json.open();
    json.add("name", c.name);
    json.add("connected", c.connected);
    json.add("connects", c.connects);
    json.add("sessions_lost", c.sessions_lost);
    json.add("messages", c.messages);
    json.add("acknowledged", c.acknowledged);
    json.add("skipped", c.skipped);
    json.add("broker_dropped", c.broker_dropped);
    json.add("answers_lost", c.answers_lost);
    json.add("refused", c.refused);
    json.close();
  }
  json.close_list();
  json.open_list("inputs");
  for (const ConnectionStatus& c : connections) {
    if (c.is_mqtt) continue;
    json.open();
    json.add("name", c.name);
    json.add("connected", c.connected);
    json.add("connects", c.connects);
    json.add("messages", c.messages);
    json.add("acknowledged", c.acknowledged);
    json.add("failures", c.failures);
    json.close();
  }
  json.close_list();
  json.open("scrub");
  json.add("passes", scrub.passes);
  json.add("entry", scrub.entry);
  json.add("damaged", scrub.damaged);
  json.close();
  json.open_list("damage");
  for (const Damage& d : damage) {
    json.open();
    json.add("what", d.what);
    json.add("lost", d.kind == Damage::Kind::kLoss);
    if (d.from > 0) json.add("from", d.from);
    if (d.to > 0) json.add("to", d.to);
    if (d.readings > 0) json.add("readings", d.readings);
    if (d.bytes > 0) json.add("bytes", d.bytes);
    if (!d.kept_as.empty()) json.add("kept_as", d.kept_as);
    json.close();
  }
  json.close_list();
  json.open_list("keys");
  for (const auto& k : keys) {
    json.open();
    json.add("key", k.key);
    json.add("newest_ms", k.newest_ms);
    json.add("watermark_ms", k.watermark_ms);
    add_quality(json, k.quality);
    json.close();
  }
  json.close_list();
  json.close();
  return json.take();
}

}  // namespace wayside
