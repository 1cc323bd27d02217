// The outbox at its limit: its oldest emissions go, and leave behind which they were and for whom,
// two or three bytes each, so that each uplink can count exactly those that it has not delivered.
#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "pipeline/emission_codec.h"
#include "storage/store.h"

namespace wayside {
namespace {

constexpr uint64_t kRowBytes = 24;  // of a row, beside its message

int64_t time_of(std::string_view message, int64_t otherwise) {
  auto emission = decode_emission(message);
  return emission.ok() ? emission->time_ms : otherwise;
}

using Taken = std::vector<std::pair<uint64_t, uint32_t>>;  // sequence, targets

std::string encode_gap(const Taken& taken) {
  std::string bytes;
  ByteWriter out(bytes);
  uint64_t last = 0;
  for (const auto& [sequence, targets] : taken) {
    out.varint(sequence - last);
    out.varint(targets);
    last = sequence;
  }
  return bytes;
}

Taken decode_gap(std::string_view bytes) {
  Taken taken;
  ByteReader in(bytes);
  uint64_t sequence = 0;
  while (in.ok() && in.left() > 0) {
    sequence += in.varint();
    const auto targets = static_cast<uint32_t>(in.varint());
    if (in.ok()) taken.emplace_back(sequence, targets);
  }
  return taken;
}

int64_t gap_crc(Lane lane, uint64_t last, std::string_view taken) {
  std::string bytes;
  ByteWriter out(bytes);
  out.fixed(lane);
  out.fixed(last);
  out.raw(taken);
  return crc32c(bytes);
}

// Of a row whose first columns are `taken` and `crc`.
Result<Taken> read_gap(const Statement& row, Lane lane, uint64_t last) {
  const std::string_view bytes = row.column_text(0);
  Taken taken = decode_gap(bytes);
  if (row.column_int(1) != gap_crc(lane, last, bytes) || taken.empty()) {
    return Error{ErrorCode::kBadData, "wayside.db: a row of table gaps is damaged"};
  }
  return taken;
}

}  // namespace

Result<Store::Usage> Store::usage() {
  WS_ASSIGN(const int64_t page, db_->number("PRAGMA page_size"));
  WS_ASSIGN(const int64_t pages, db_->number("PRAGMA page_count"));
  WS_ASSIGN(const int64_t unused, db_->number("PRAGMA freelist_count"));
  Usage usage{as_u64(pages * page), as_u64(unused * page)};
  const std::string log = dir_ + "/wayside.db-wal";
  if (auto file = disk_.open(log, Disk::Mode::kRead); file.ok()) {
    WS_ASSIGN(const uint64_t size, (*file)->size());
    usage.bytes += size;
  }
  return usage;
}

// In pieces: SQLite makes each in memory, and what is large there is not given back.
Status Store::make_reserve(uint64_t bytes) {
  constexpr uint64_t kPiece = 64 << 10;
  WS_ASSIGN(Statement put, db_->prepare("INSERT OR REPLACE INTO meta(name, value) "
                                        "VALUES('reserve' || ?, zeroblob(?))"));
  WS_TRY(db_->begin());
  Status made;
  for (uint64_t at = 0; made.ok() && at < bytes; at += kPiece) {
    put.bind(1, as_i64(at));
    put.bind(2, as_i64(std::min(kPiece, bytes - at)));
    made = put.run();
  }
  if (made.ok()) made = db_->exec("COMMIT");
  if (!made.ok()) (void)db_->exec("ROLLBACK").ok();
  if (!made.ok()) return made;
  return db_->exec("DELETE FROM meta WHERE name LIKE 'reserve%'; PRAGMA wal_checkpoint");
}

Status Store::restart_log() {
  WS_ASSIGN(const int64_t busy, db_->number("PRAGMA wal_checkpoint(RESTART)"));
  return busy == 0 ? Status() : Error{ErrorCode::kUnavailable, "the log is being read"};
}

Result<Store::Dropped> Store::drop_oldest(Lane lane, uint64_t bytes) {
  Dropped dropped;
  Taken taken;
  {
    WS_ASSIGN(Statement select, db_->prepare("SELECT sequence, targets, message FROM outbox "
                                             "WHERE lane = ? ORDER BY sequence LIMIT ?"));
    select.bind(1, static_cast<int64_t>(lane));
    select.bind(2, as_i64(kDropMax));
    for (uint64_t freed = 0; freed < bytes && taken.size() < kDropMax;) {
      WS_ASSIGN(bool more, select.step());
      if (!more) break;
      const std::string_view message = select.column_text(2);
      freed += message.size() + kRowBytes;
      taken.emplace_back(as_u64(select.column_int(0)), static_cast<uint32_t>(select.column_int(1)));
      dropped.to_ms = time_of(message, dropped.to_ms);
      if (taken.size() == 1) dropped.from_ms = dropped.to_ms;
    }
  }
  if (taken.empty()) return dropped;
  WS_TRY(db_->begin());
  auto write = [&]() -> Status {
    WS_ASSIGN(Statement drop, db_->prepare("DELETE FROM outbox WHERE lane = ? AND sequence <= ?"));
    drop.bind(1, static_cast<int64_t>(lane));
    drop.bind(2, as_i64(taken.back().first));
    WS_TRY(drop.run());
    WS_TRY(write_gap(lane, taken));
    return db_->exec("COMMIT");
  };
  if (Status status = write(); !status.ok()) {
    (void)db_->exec("ROLLBACK").ok();
    return status.error();
  }
  dropped.emissions = taken.size();
  return dropped;
}

Status Store::write_gap(Lane lane, const Taken& taken) {
  uint32_t targets = 0;
  for (const auto& t : taken) targets |= t.second;
  WS_ASSIGN(Statement put, db_->prepare("INSERT OR REPLACE INTO gaps(lane, last, first, targets, "
                                        "taken, crc) VALUES(?, ?, ?, ?, ?, ?)"));
  const std::string bytes = encode_gap(taken);
  put.bind(1, static_cast<int64_t>(lane));
  put.bind(2, as_i64(taken.back().first));
  put.bind(3, as_i64(taken.front().first));
  put.bind(4, static_cast<int64_t>(targets));
  put.bind_blob(5, bytes);
  put.bind(6, gap_crc(lane, taken.back().first, bytes));
  return put.run();
}

Result<bool> Store::halve_quarantine() {
  WS_ASSIGN(const uint64_t there, count("quarantine"));
  if (there == 0) return false;
  WS_ASSIGN(Statement drop,
            db_->prepare("DELETE FROM quarantine WHERE (entry, number) IN (SELECT entry, "
                         "number FROM quarantine ORDER BY 1, 2 LIMIT ?)"));
  drop.bind(1, as_i64((there + 1) / 2));
  WS_TRY(drop.run());
  return true;
}

// An uplink that is gone takes its bit with it, which another one may get.
Status Store::forget_in_gaps(size_t bit) {
  WS_ASSIGN(Statement select,
            db_->prepare("SELECT taken, crc, lane, last FROM gaps WHERE (lane, last) > (?, ?) AND "
                         "targets >> ? & 1 ORDER BY lane, last LIMIT 1"));
  int64_t lane = -1;
  int64_t last = 0;
  while (true) {
    select.bind(1, lane);
    select.bind(2, last);
    select.bind(3, static_cast<int64_t>(bit));
    WS_ASSIGN(const bool more, select.step());
    if (!more) return {};
    lane = select.column_int(2);
    last = select.column_int(3);
    WS_ASSIGN(Taken taken, read_gap(select, static_cast<Lane>(lane), as_u64(last)));
    select.reset();
    for (auto& t : taken) t.second &= ~(uint32_t{1} << bit);
    WS_TRY(write_gap(static_cast<Lane>(lane), taken));
  }
}

Result<OutboxReader::Gap> OutboxReader::gap(Lane lane, uint64_t after, uint64_t upto,
                                            uint32_t bit) {
  return gap_in(*db_, lane, after, upto, bit);
}

Result<OutboxReader::Gap> OutboxReader::gap_in(Database& db, Lane lane, uint64_t after,
                                               uint64_t upto, uint32_t bit) {
  Gap gap;
  WS_ASSIGN(Statement select,
            db.prepare("SELECT taken, crc, last FROM gaps WHERE lane = ? AND last > ? "
                       "AND first <= ? ORDER BY last"));
  select.bind(1, static_cast<int64_t>(lane));
  select.bind(2, as_i64(after));
  select.bind(3, as_i64(std::min<uint64_t>(upto, INT64_MAX)));
  while (true) {
    WS_ASSIGN(bool more, select.step());
    if (!more) return gap;
    WS_ASSIGN(const Taken taken, read_gap(select, lane, as_u64(select.column_int(2))));
    for (const auto& [sequence, targets] : taken) {
      if (sequence <= after || sequence > upto) continue;
      gap.dropped += targets >> bit & 1;
      gap.last = sequence;
    }
  }
}

}  // namespace wayside
