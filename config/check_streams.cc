#include "config/check_streams.h"

#include <algorithm>

#include "base/text.h"
#include "config/check_names.h"
#include "pipeline/route.h"

namespace wayside {
namespace {

class StreamChecker {
 public:
  StreamChecker(const Config& config, Findings& found, std::set<std::string>& not_judged)
      : config_(config), found_(found), not_judged_(not_judged) {}

  void check(const MapOptions& m) {
    found_.streams_known(m.name, "from", {m.from});
    check_items(m.name, "select", m.select);
    if (!m.explode.empty() && m.select.empty() && !found_.told(m.name, "select")) {
      fail(m.name, "explode", "needs a select, which says what of an element stays");
    }
    if (m.key.empty() && m.forget_after_ms > 0) {
      found_.add(m.name, "forget_after", "goes with key only");
    }
    if (m.key.empty() && m.max_keys != MapOptions().max_keys) {
      found_.add(m.name, "max_keys", "goes with key only");
    }
    check_former_key(m);
  }

  void check(const RouteOptions& r) {
    found_.streams_known(r.name, "from", {r.from});
    if (found_.told(r.name, "routes")) not_judged_.insert(r.name);
    if (r.routes.empty()) fail(r.name, "routes", "is empty");
    auto check_route = [&](const std::string& item, const std::string& name) {
      if (is_name(name)) return;
      fail(r.name, item, "a name is made of letters, digits, '_' and '-', at most 64 of them");
    };
    for (const auto& [name, condition] : r.routes) {
      if (found_.told(r.name, "routes." + name)) not_judged_.insert(r.name);
      check_route("routes." + name, name);
      if (name == r.otherwise) fail(r.name, "else", "'" + name + "' is among the routes");
    }
    if (!r.otherwise.empty()) check_route("else", r.otherwise);
  }

  void check(const StateOptions& s) {
    found_.streams_known(s.name, "from", {s.from});
    found_.uplinks_known(s.name, "to", s.to);
    check_items(s.name, "next", s.next);
    if (s.next.empty()) fail(s.name, "next", "is empty");
    if (found_.told(s.name, "init")) not_judged_.insert(s.name);
    check_items_named(s.name, "init", s.init, s.next);
    if (!s.by_event_time && s.max_waiting != StateOptions().max_waiting) {
      found_.add(s.name, "max_waiting", "goes with order = \"event_time\" only");
    }
  }

  void check(const LookupOptions& l) {
    found_.streams_known(l.name, "from", {l.from});
    check_items(l.name, "columns", l.columns);
    for (const auto& [column, type] : l.columns) {
      if (type == "number" || type == "text") continue;
      fail(l.name, "columns." + column, "is \"number\" or \"text\"");
    }
    const bool csv = l.file.ends_with(".csv");
    if (csv && !l.table.empty()) found_.add(l.name, "table", "goes with a database only");
    if (!csv && l.table.empty() && !l.file.empty()) {
      found_.add(l.name, "table", "is missing: '" + l.file + "' is no .csv, but a database");
    }
  }

  void check(const CommandOptions& c) {
    if (c.format != PayloadFormat::kJson) found_.add(c.name, "format", "commands are JSON");
    if (found_.told(c.name, "id")) not_judged_.insert(c.name);
    if (c.deduplicate != "off") {
      found_.add(c.name, "deduplicate", "would leave repeats without an answer: `id` tells them");
    }
    check_taken_as_it_is(c);
    if (c.view.empty()) return;
    std::vector<std::string> names;
    for (const ViewOptions& v : config_.views) names.push_back(v.name);
    found_.known(c.name, "view", "view", c.view, names);
    for (const ViewOptions& v : config_.views) {
      if (v.name != c.view || found_.told(v.name, "from")) continue;
      const std::string key = source_key_of(v.from, 0);
      const bool all = v.by.empty() || v.by == std::vector<std::string>{"key"};
      const bool by_key =
          all ? key.empty() || key == c.key : v.by == std::vector<std::string>{c.key};
      if (by_key) continue;
      found_.add(c.name, "view", "does not have one row for each '" + c.key + "': see its `by`");
    }
  }

  void check(const ViewOptions& v) {
    found_.streams_known(v.name, "from", {v.from});
    if (found_.told(v.name, "select")) not_judged_.insert(v.name);
    for (const auto& [name, sql] : v.select) {
      const std::string place = "select." + name;
      if (found_.told(v.name, place)) not_judged_.insert(v.name);
      if (name == "time" || name == "entry") {
        found_.add(v.name, place, "each row has a '" + name + "' of its own; choose another name");
      }
      if (const auto wrong = wrong_sql_name(name); !wrong.empty()) fail(v.name, place, wrong);
    }
  }

  void check(const OrderOptions& o) { found_.streams_known(o.name, "from", {o.from}); }

 private:
  // A repeat of a command has to be what it was, whatever came between.
  void check_taken_as_it_is(const CommandOptions& c) {
    for (const FieldOptions& f : c.fields) {
      if (!f.cleaning.is_on()) continue;
      found_.add(c.name, "fields." + f.name,
                 "max_rate, stuck_after, smooth and fill are not for commands");
    }
  }

  using Items = std::vector<std::pair<std::string, std::string>>;

  void fail(const std::string& block, const std::string& item, const std::string& message) {
    found_.add(block, item, message);
    not_judged_.insert(block);
  }

  void check_items_named(const std::string& block, const std::string& item, const Items& items,
                         const Items& by) {
    for (const auto& [name, sql] : items) {
      std::vector<std::string> names;
      for (const auto& [known, other] : by) names.push_back(known);
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      const auto near = nearest(name, names);
      fail(block, item + "." + name,
           "there is no value '" + name + "' in next" +
               (near ? "; did you mean '" + *near + "'?" : ""));
    }
  }

  // Names that become fields of the stream.
  void check_items(const std::string& block, const std::string& item, const Items& items) {
    if (found_.told(block, item)) not_judged_.insert(block);
    for (const auto& [name, sql] : items) {
      const std::string place = item + "." + name;
      if (found_.told(block, place)) not_judged_.insert(block);
      if (const auto wrong = taken_name(name); !wrong.empty()) found_.add(block, place, wrong);
      if (const auto wrong = wrong_sql_name(name); !wrong.empty()) fail(block, place, wrong);
    }
  }

  // Events call a key `key`, whatever its name; a field that is none any more has to have its own.
  void check_former_key(const MapOptions& m) {
    if (m.key.empty() || !m.select.empty()) return;
    const std::string former = source_key_of(m.from, 0);
    if (former.empty() || former == m.key) return;
    std::string wrong = taken_name(former);
    if (wrong.empty()) wrong = wrong_sql_name(former);
    if (!wrong.empty()) found_.add(m.name, "key", "'" + former + "' becomes a field: " + wrong);
  }

  // The key of a stream, if it is that of its source still; all others were named by a map.
  std::string source_key_of(const std::string& stream, size_t steps) const {
    if (steps > config_.positions.size()) return {};  // blocks that read each other
    for (const SourceOptions& s : config_.sources) {
      if (s.name == stream) return s.key;
    }
    std::string from;
    const auto look = [&](const auto& blocks) {
      for (const auto& block : blocks) {
        if (block.name == stream) from = block.from;
      }
    };
    for (const MapOptions& m : config_.maps) {
      if (m.name == stream && m.key.empty()) from = m.from;
    }
    for (const RouteOptions& r : config_.routes) {
      if (stream.starts_with(r.name + '.')) from = r.from;
    }
    for (const WindowOptions& w : config_.windows) {
      if (w.name == stream && !w.from.empty()) from = w.from.front();
    }
    look(config_.states);
    look(config_.orders);
    look(config_.lookups);
    look(config_.joins);
    look(config_.patterns);
    return from.empty() ? from : source_key_of(from, steps + 1);
  }

  const Config& config_;
  Findings& found_;
  std::set<std::string>& not_judged_;
};

}  // namespace

void check_streams(const Config& config, Findings& found, std::set<std::string>& not_judged) {
  StreamChecker checker(config, found, not_judged);
  for (const MapOptions& m : config.maps) checker.check(m);
  for (const RouteOptions& r : config.routes) checker.check(r);
  for (const StateOptions& s : config.states) checker.check(s);
  for (const OrderOptions& o : config.orders) checker.check(o);
  for (const LookupOptions& l : config.lookups) checker.check(l);
  for (const ViewOptions& v : config.views) checker.check(v);
  for (const CommandOptions& c : config.commands) checker.check(c);
}

std::vector<std::string> streams_of(const PipelineOptions& options) {
  std::vector<std::string> names;
  const auto add = [&](const auto& blocks) {
    for (const auto& block : blocks) names.push_back(block.name);
  };
  add(options.sources);
  add(options.windows);
  add(options.maps);
  add(options.joins);
  add(options.states);
  add(options.orders);
  add(options.lookups);
  add(options.patterns);
  for (const RouteOptions& route : options.routes) {
    for (std::string& name : Route::stream_names(route)) names.push_back(std::move(name));
  }
  return names;
}

void keep_what_can_be_judged(PipelineOptions& options, const std::set<std::string>& not_judged) {
  std::erase_if(options.sources, [&](const auto& o) { return not_judged.contains(o.name); });
  std::erase_if(options.commands, [&](const auto& o) { return not_judged.contains(o.name); });
  std::set<std::string> streams;
  auto unread = [&](const std::string& from) { return !streams.contains(from); };
  auto reads_none = [&](const auto& o) { return not_judged.contains(o.name) || unread(o.from); };
  auto reads_some = [&](const auto& o) {
    return not_judged.contains(o.name) || std::any_of(o.from.begin(), o.from.end(), unread);
  };
  // One that goes may take others with it, which read it.
  for (size_t gone = 1; gone > 0;) {
    const auto names = streams_of(options);
    streams = {names.begin(), names.end()};
    gone = std::erase_if(options.windows, reads_some);
    gone += std::erase_if(options.maps, reads_none);
    gone += std::erase_if(options.patterns, reads_none);
    gone += std::erase_if(options.joins,
                          [&](const JoinOptions& j) { return reads_none(j) || unread(j.with); });
    gone += std::erase_if(options.routes, reads_none);
    gone += std::erase_if(options.states, reads_none);
    gone += std::erase_if(options.orders, reads_none);
    gone += std::erase_if(options.lookups, reads_none);
  }
  std::erase_if(options.rules, reads_none);
  std::erase_if(options.detectors, reads_none);
  std::erase_if(options.views, reads_none);
}

}  // namespace wayside
