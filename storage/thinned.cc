#include "storage/thinned.h"

#include <zstd.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/log.h"
#include "storage/journal_format.h"

namespace wayside {
namespace {

constexpr std::string_view kThinnedSuffix = ".wst";
constexpr uint32_t kThinnedMagic = 0x31545357;  // "WST1"
constexpr size_t kHeaderBytes = 2 * sizeof(uint32_t);
constexpr size_t kBytesMax = 2 * kJournalBlockMax;
constexpr int kThinnedZstdLevel = 3;  // it is written once and kept for long

Error broken(const char* part) {
  return {ErrorCode::kBadData, std::string("thinned readings: broken ") + part};
}

void encode_origins(const std::vector<ThinnedReadings::Origin>& origins, ByteWriter& out) {
  out.varint(origins.size());
  ThinnedReadings::Origin before;
  for (const auto& origin : origins) {
    out.varint(origin.entry - before.entry);
    out.varint(origin.place - (origin.entry == before.entry ? before.place : 0));
    before = origin;
  }
}

void decode_origins(ByteReader& in, std::vector<ThinnedReadings::Origin>& origins) {
  ThinnedReadings::Origin at;
  for (size_t n = in.count(2); n > 0 && in.ok(); --n) {
    const uint64_t entries = in.varint();
    const auto places = static_cast<uint32_t>(in.varint());
    at = {at.entry + entries, (entries == 0 ? at.place : 0) + places};
    origins.push_back(at);
  }
}

std::string block_of(const Group& group, const std::vector<NamedSchema>& sources) {
  std::string block;
  encode_group(group, sources, {}, block);
  return block;
}

Result<std::string> unpack(std::string_view packed) {
  const auto size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (size > kBytesMax) return broken("size");  // what zstd does not know is more, too
  std::string bytes(size, '\0');
  const size_t got = ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size());
  if (ZSTD_isError(got) || got != bytes.size()) return broken("compression");
  return bytes;
}

bool origins_fit(const ThinnedReadings& thinned) {
  for (const Turn& turn : thinned.kept.turns) {
    for (const Slice& s : turn.slices) {
      if (uint64_t{s.place} + (s.end - s.begin) > thinned.origins.size()) return false;
    }
  }
  return true;
}

}  // namespace

Result<std::string> encode_thinned(const ThinnedReadings& thinned,
                                   const std::vector<NamedSchema>& sources) {
  std::string bytes;
  ByteWriter out(bytes);
  out.text(thinned.epoch);
  out.varint(thinned.first);
  out.varint(thinned.last);
  encode_origins(thinned.origins, out);
  out.text(block_of(thinned.kept, sources));
  Group end = make_group(sources);
  end.rows_before = thinned.rows_after;
  out.text(block_of(end, sources));

  std::string file(kHeaderBytes + ZSTD_compressBound(bytes.size()), '\0');
  const size_t packed = ZSTD_compress(file.data() + kHeaderBytes, file.size() - kHeaderBytes,
                                      bytes.data(), bytes.size(), kThinnedZstdLevel);
  if (ZSTD_isError(packed)) {
    return Error{ErrorCode::kInternal,
                 std::string("thinned readings: ") + ZSTD_getErrorName(packed)};
  }
  file.resize(kHeaderBytes + packed);
  const uint32_t header[] = {kThinnedMagic, crc32c(std::string_view(file).substr(kHeaderBytes))};
  std::memcpy(file.data(), header, kHeaderBytes);
  return file;
}

Result<ThinnedReadings> decode_thinned(std::string_view bytes,
                                       const std::vector<NamedSchema>& sources) {
  ByteReader file(bytes);
  if (file.fixed<uint32_t>() != kThinnedMagic) return broken("beginning");
  const auto crc = file.fixed<uint32_t>();
  if (!file.ok() || crc != crc32c(bytes.substr(kHeaderBytes))) return broken("checksum");
  WS_ASSIGN(const std::string content, unpack(bytes.substr(kHeaderBytes)));
  ByteReader in(content);
  ThinnedReadings thinned;
  thinned.epoch = in.text();
  thinned.first = in.varint();
  thinned.last = in.varint();
  decode_origins(in, thinned.origins);
  const std::string_view kept = in.text();
  const std::string_view end = in.text();
  if (!in.ok() || in.left() != 0 || thinned.first > thinned.last) return broken("frame");
  thinned.kept = make_group(sources);
  WS_TRY(decode_group(kept, sources, {}, thinned.kept));
  Group after = make_group(sources);
  WS_TRY(decode_group(end, sources, {}, after));
  thinned.rows_after = after.rows_before;
  if (!origins_fit(thinned)) return broken("origins");
  return thinned;
}

std::string thinned_dir(const std::string& state_dir) { return state_dir + "/thinned"; }

std::string thinned_path(const std::string& dir, uint64_t first) {
  return dir + '/' + numbered_name(first, kThinnedSuffix);
}

Result<std::vector<uint64_t>> thinned_files(Disk& disk, const std::string& dir) {
  WS_ASSIGN(const std::vector<std::string> names, disk.list(dir));
  std::vector<uint64_t> firsts;
  for (const std::string& name : names) {
    if (const uint64_t first = number_of_name(name, kThinnedSuffix)) firsts.push_back(first);
  }
  return firsts;
}

// What the medium does not give back at the second attempt either is damaged.
Result<ThinnedReadings> read_thinned(Disk& disk, const std::string& path,
                                     const std::vector<NamedSchema>& sources) {
  auto bytes = read_file(disk, path);
  if (!bytes.ok() && bytes.error().code == ErrorCode::kUnreadable) bytes = read_file(disk, path);
  if (!bytes.ok()) return bytes.error();
  return decode_thinned(*bytes, sources);
}

bool is_damage(const Error& error) {
  return error.code == ErrorCode::kBadData || error.code == ErrorCode::kUnreadable;
}

Result<std::optional<ThinnedReadings>> find_thinned(Disk& disk, const std::string& dir,
                                                    uint64_t entry,
                                                    const std::vector<NamedSchema>& sources) {
  WS_ASSIGN(const std::vector<uint64_t> firsts, thinned_files(disk, dir));
  auto at = std::upper_bound(firsts.begin(), firsts.end(), entry);
  if (at != firsts.begin()) --at;
  for (; at != firsts.end(); ++at) {
    const std::string path = thinned_path(dir, *at);
    auto thinned = read_thinned(disk, path, sources);
    if (thinned.ok() && thinned->first == *at) {
      if (thinned->last < entry) continue;
      return std::optional(std::move(*thinned));
    }
    if (!thinned.ok() && !is_damage(thinned.error())) {
      // It may have been taken away this moment.
      WS_ASSIGN(const std::vector<uint64_t> left, thinned_files(disk, dir));
      if (std::binary_search(left.begin(), left.end(), *at)) return thinned.error();
      continue;
    }
    log_error("{}: {}", path, thinned.ok() ? "another file's" : thinned.error().message);
  }
  return std::optional<ThinnedReadings>();
}

}  // namespace wayside
