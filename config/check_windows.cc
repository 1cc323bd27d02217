#include "config/check_windows.h"

#include "config/check_names.h"

namespace wayside {
namespace {

// A reading costs as much as the windows that it is in, where they cannot share what they hold.
constexpr int64_t kOverlapMax = 10'000;
constexpr int64_t kSharedMax = 100'000;  // so many results a reading may close, in one turn

class Checker {
 public:
  Checker(Findings& found, std::set<std::string>& not_judged)
      : found_(found), not_judged_(not_judged) {}

  void check(const WindowOptions& w) {
    check_from(w);
    check_kind(w);
    check_results(w);
    check_last(w);
    check_retract(w);
    for (const auto& [alias, expression] : w.select) check_alias(w, alias);
    if (found_.told(w.name, "select")) not_judged_.insert(w.name);
    if (w.select.empty()) found_.add(w.name, "select", "is empty");
    found_.uplinks_known(w.name, "to", w.to);
    found_.uplinks_known(w.name, "late_to", w.late_to);
  }

 private:
  void check_from(const WindowOptions& w) {
    found_.streams_known(w.name, "from", w.from);
    std::set<std::string> streams;
    for (const std::string& from : w.from) {
      if (streams.insert(from).second) continue;
      fail(w, "from", "names '" + from + "' twice, whose readings would count twice");
    }
    if (w.from.empty()) fail(w, "from", "is empty");
  }

  // One of these says what its windows are; each of the others needs one of them.
  void check_kind(const WindowOptions& w) {
    const bool time = w.size_ms > 0, session = w.gap_ms > 0, count = w.count > 0;
    const bool calendar = w.calendar != CalendarUnit::kNone;
    const int kinds = time + session + count + calendar + w.global;
    const char* kOne = "one of size, gap, count, calendar and global says what its windows are";
    const char* first = time ? "size" : session ? "gap" : count ? "count" : "calendar";
    if (kinds == 0) found_.add(w.name, "size", std::string("is missing: ") + kOne);
    if (kinds > 1) found_.add(w.name, first, std::string("is too much: ") + kOne);
    needs(w, w.every_ms > 0, "every", time, "size");
    needs(w, w.offset_ms > 0, "offset", time, "size");
    needs(w, w.every_count > 0, "every_count", count, "count");
    needs(w, w.zone != WindowOptions().zone, "zone", calendar, "calendar");
    needs(w, w.allowed_lateness_ms > 0, "allowed_lateness", !count && !w.global,
          "windows that end");
    if (kinds != 1) not_judged_.insert(w.name);
  }

  void check_results(const WindowOptions& w) {
    const bool count = w.count > 0;
    if (w.early_ms > 0 && (count || w.global)) {
      found_.add(w.name, "early_every",
                 count ? "goes with windows that end by time; see every_count"
                       : "goes with windows that end by time; see early_count");
    }
    if (w.early_count > 0 && count) {
      found_.add(w.name, "early_count", "goes with windows by time only; see every_count");
    }
    if (!w.at_end && count) {
      found_.add(w.name, "at_end", "leaves no result at all: windows by count speak at their end");
    } else if (!w.at_end && w.early_ms == 0 && w.early_count == 0) {
      found_.add(w.name, "at_end",
                 w.global ? "leaves no result at all; set early_count"
                          : "leaves no result at all; set early_every or early_count");
    }
    const bool shares =
        !w.keeps_last() && w.at_end && w.early_ms == 0 && w.early_count == 0 && !w.purge;
    const int64_t overlap = w.every_ms > 0 ? w.size_ms / w.every_ms : 0;
    if (overlap > (shares ? kSharedMax : kOverlapMax)) {
      found_.add(w.name, "every",
                 "puts each reading into " + std::to_string(overlap) + " windows; " +
                     (shares ? "" : "with purge, last or results before the end ") +
                     std::to_string(shares ? kSharedMax : kOverlapMax) + " is the limit");
    }
  }

  void check_last(const WindowOptions& w) {
    if (w.max_last != WindowOptions().max_last && w.last_ms == 0) {
      found_.add(w.name, "max_last", "goes with a period as last only, as in last = \"10s\"");
    }
    if (w.count > 0 && w.last_count >= w.count) {
      found_.add(w.name, "last",
                 "leaves nothing out: a window has " + std::to_string(w.count) +
                     " readings; make it smaller than count");
    }
    if (w.size_ms > 0 && w.last_ms >= w.size_ms) {
      found_.add(w.name, "last",
                 "leaves nothing out: a window is no longer; make it shorter than size");
    }
  }

  void check_retract(const WindowOptions& w) {
    if (!w.retract) return;
    if (w.count > 0) {
      found_.add(w.name, "retract", "has nothing to take back: windows by count are told once");
    }
    if (w.purge) {
      found_.add(w.name, "retract",
                 "has nothing to take back: with purge each result is of other readings; leave "
                 "one of the two out");
    }
  }

  void needs(const WindowOptions& w, bool given, const char* key, bool there, const char* what) {
    if (given && !there) found_.add(w.name, key, std::string("goes with ") + what + " only");
  }

  void check_alias(const WindowOptions& w, const std::string& alias) {
    const std::string item = "select." + alias;
    static const std::set<std::string> kTaken{"window_start", "window_end", "revision", "final"};
    if (kTaken.contains(alias)) {
      fail(w, item, "each result has a '" + alias + "' of its own; choose another name");
    }
    if (w.retract && alias == "retracted") {
      fail(w, item, "with retract each result has a 'retracted' of its own; choose another name");
    }
    if (const auto wrong = taken_name(alias); !wrong.empty()) found_.add(w.name, item, wrong);
    if (const auto wrong = wrong_sql_name(alias); !wrong.empty()) fail(w, item, wrong);
    if (found_.told(w.name, item)) not_judged_.insert(w.name);
  }

  void fail(const WindowOptions& w, const std::string& item, const std::string& message) {
    found_.add(w.name, item, message);
    not_judged_.insert(w.name);
  }

  Findings& found_;
  std::set<std::string>& not_judged_;
};

}  // namespace

void check_windows(const Config& config, Findings& found, std::set<std::string>& not_judged) {
  Checker checker(found, not_judged);
  for (const WindowOptions& w : config.windows) checker.check(w);
}

}  // namespace wayside
