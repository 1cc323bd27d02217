// What the configuration says about blocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace wayside {

// How much state a block may hold. What is beyond max_keys or max_bytes is closed, the key first
// whose last reading came first.
struct StateBounds {
  uint32_t max_keys = 100'000;
  uint64_t max_bytes = 64 << 20;  // as it is saved
  bool on_disk = false;           // keys that are silent stay in the store only
  uint32_t resident_keys = 0;     // on_disk: in memory; 0: a tenth of max_keys
};

// What its windows are. Times are event time, unless processing_time.
enum class WindowKind {
  kTime,      // of size_ms, one every every_ms; tumbling, sliding, or with gaps between
  kCalendar,  // days, weeks or months of a zone
  kSession,   // of readings less than gap_ms apart
  kCount,     // of `count` readings of the key, one each `every_count`
  kGlobal,    // one for all times
};
enum class CalendarUnit { kNone, kDay, kWeek, kMonth };

struct WindowOptions {
  std::string name;
  std::vector<std::string> from;
  // One of size_ms, gap_ms, count, calendar and global says what its windows are.
  int64_t size_ms = 0;
  int64_t every_ms = 0;  // 0: size_ms
  int64_t offset_ms = 0;
  int64_t gap_ms = 0;
  uint32_t count = 0;
  uint32_t every_count = 0;  // 0: count
  CalendarUnit calendar = CalendarUnit::kNone;
  std::string zone = "UTC";  // IANA name
  bool global = false;
  bool processing_time = false;  // the time at which a reading was read from the broker
  std::string where;
  std::vector<std::pair<std::string, std::string>>
      select;  // alias, expression; in the order of the file
  std::string having;
  int64_t allowed_lateness_ms = 0;
  // Results before the window ends: each early_ms of its time, at each early_count-th reading; 0:
  // none. at_end: also one when the watermark passes its end. purge: what was told is cleared.
  int64_t early_ms = 0;
  uint32_t early_count = 0;
  bool at_end = true;
  bool purge = false;
  // Results are over the last readings only: so many, or those later than so long before the newest
  // one, of which max_last are kept. 0: over all.
  uint32_t last_count = 0;
  int64_t last_ms = 0;
  uint32_t max_last = 10'000;
  bool retract = false;  // a result that is told again is taken back first
  std::vector<std::string> to;
  std::vector<std::string> late_to;
  StateBounds bounds;

  bool keeps_last() const { return last_count > 0 || last_ms > 0; }
  WindowKind kind() const {
    if (gap_ms > 0) return WindowKind::kSession;
    if (count > 0) return WindowKind::kCount;
    if (global) return WindowKind::kGlobal;
    return calendar == CalendarUnit::kNone ? WindowKind::kTime : WindowKind::kCalendar;
  }
};

struct MapOptions {
  std::string name;
  std::string from;
  std::string where;
  std::vector<std::pair<std::string, std::string>> select;  // empty: all fields
  std::string explode;                                      // gives a JSON array
  std::string key;              // a text of what it gives; empty: as the input
  int64_t forget_after_ms = 0;  // with `key`; 0: as its sources
  uint32_t max_keys = 10'000;   // with `key`
};

struct RouteOptions {
  std::string name;
  std::string from;
  std::vector<std::pair<std::string, std::string>> routes;  // stream, condition
  std::string otherwise;  // the stream of what meets none; empty: it goes nowhere
  bool all = false;       // to each whose condition it meets, not to the first
};

// A table outside whose columns readings take along; see lookup.h.
struct LookupOptions {
  std::string name;
  std::string from;
  std::string file;    // CSV, or a SQLite database
  std::string table;   // of a database
  std::string match;   // SQL over the fields that gives a text
  std::string column;  // of the table, that has to be equal to it
  std::string since;   // of the table: from when on a row holds; empty: always
  // Of the table, that readings take along: name, and "number" or "text".
  std::vector<std::pair<std::string, std::string>> columns;
  bool inner = false;  // readings that find no row are left out
  int64_t refresh_ms = 60'000;
  uint32_t max_rows = 10'000;
  uint64_t max_bytes = 1 << 20;
};

struct OrderOptions {
  std::string name;
  std::string from;
  bool over_all_keys = false;
  uint32_t max_waiting = 10'000;  // readings; by key: of a key
  StateBounds bounds;             // by key
};

struct StateOptions {
  std::string name;
  std::string from;
  std::string where;
  std::vector<std::pair<std::string, std::string>> init, next;  // value, expression
  int64_t ttl_ms = 0;  // after so much event time without a reading it begins anew; 0: never
  bool by_event_time = false;     // else readings count in order of arrival
  uint32_t max_waiting = 10'000;  // by_event_time: readings of a key
  std::vector<std::string> to;
  StateBounds bounds;
};

enum class Severity { kInfo, kWarning, kCritical };

struct RuleOptions {
  std::string name;
  std::string from;
  std::string when;
  int64_t for_ms = 0;
  Severity severity = Severity::kWarning;
  std::vector<std::string> to;
};

struct DetectorOptions {
  std::string name;
  std::string from;
  std::string field;
  std::string method = "auto";  // "robust_z" is what "auto" takes
  double threshold = 8;
  uint32_t history = 64;
  std::vector<std::string> to;
};

struct JoinOptions {
  std::string name;
  std::string from;  // left readings
  std::string with;  // right ones
  std::vector<std::pair<std::string, std::string>>
      select;  // of the right ones: alias, expression; empty: all fields
  // As of: the last right reading at or before the left one.
  int64_t within_ms = 0;  // no older than that; 0: of any age
  int64_t max_wait_ms = 60'000;
  bool inner = false;  // left readings without a right one are left out
  // Interval, if one of them is given: all right readings in [left − before, left + after].
  std::optional<int64_t> before_ms;
  std::optional<int64_t> after_ms;
  uint32_t max_rows = 1'000;  // kept of a key and an input
  std::vector<std::string> to;
  StateBounds bounds;

  bool is_interval() const { return before_ms || after_ms; }
};

struct PatternStep {
  std::string name;
  std::string when;
  std::string times = "1";  // "2": twice, "2+": at least, "2-5": and at most
  bool optional = false;
  bool alternative = false;  // to the step before it
  bool absent = false;       // what does not come
  int64_t for_ms = 0;        // absent: in so long; 0: before the next step, or the end of `within`
};

enum class AfterMatch {
  kPastLast,  // what had begun by the end of a match is no match any more
  kNext,      // each reading may begin one match
};

struct PatternOptions {
  std::string name;
  std::string from;
  std::vector<PatternStep> steps;
  int64_t within_ms = 0;  // from the first reading to the last one
  AfterMatch after_match = AfterMatch::kPastLast;
  uint32_t max_partial = 200;  // matches that have begun, of a key
  std::vector<std::string> to;
  StateBounds bounds;
};

struct ViewOptions {
  std::string name;
  std::string from;
  std::vector<std::string> by;  // what names a row; empty: the key
  std::string where;
  std::vector<std::pair<std::string, std::string>> select;  // empty: all fields
  std::string delete_when;                                  // the row goes
  uint32_t max_rows = 100'000;
};

// Timers act on this grid, so that replay finds the same instants.
struct EngineOptions {
  int64_t tick_ms = 1'000;
  uint32_t command_rows = 100'000;  // decisions that are kept
  int64_t learn_ms = 86'400'000;    // new blocks learn from so much of the journal; 0: nothing
};

}  // namespace wayside
