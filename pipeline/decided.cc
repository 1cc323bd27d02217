#include "pipeline/decided.h"

#include "base/bytes.h"

namespace wayside {
namespace {

constexpr uint8_t kVersion = 1;
enum Flag : uint8_t { kRefused = 1, kChanges = 2, kRepeated = 4 };

}  // namespace

std::string encode_decided(std::span<const CommandAnswer> answers, size_t command) {
  std::string bytes;
  ByteWriter out(bytes);
  out.fixed(kVersion);
  for (const CommandAnswer& a : answers) {
    if (a.command != command) continue;
    const CommandDecision& d = a.decision;
    const bool refused = d.outcome == CommandOutcome::kRefused;
    out.varint(a.place);
    out.fixed(static_cast<uint8_t>((refused ? kRefused : 0) | (d.changes ? kChanges : 0) |
                                   (a.repeated ? kRepeated : 0)));
    out.text(d.id);
    out.text(d.reason);
    out.varint(d.version);
    out.fixed(d.content);
  }
  return bytes;
}

std::map<uint32_t, Decided> parse_decided(std::string_view bytes) {
  std::map<uint32_t, Decided> all;
  ByteReader in(bytes);
  if (in.fixed<uint8_t>() != kVersion) return all;
  while (in.left() > 0) {
    const auto place = static_cast<uint32_t>(in.varint());
    const auto flags = in.fixed<uint8_t>();
    Decided d;
    d.decision.outcome = flags & kRefused ? CommandOutcome::kRefused : CommandOutcome::kAccepted;
    d.decision.changes = (flags & kChanges) != 0;
    d.repeated = (flags & kRepeated) != 0;
    d.decision.id = in.text();
    d.decision.reason = in.text();
    d.decision.version = in.varint();
    d.decision.content = in.fixed<uint64_t>();
    if (in.ok()) all.emplace(place, std::move(d));
  }
  return all;
}

}  // namespace wayside
