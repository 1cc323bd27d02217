// Emissions as protobuf (proto/wayside.proto): the form in which they lie in the outbox and may
// leave.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/result.h"
#include "pipeline/emission.h"

namespace wayside {

// Appends the message without its `id`. The id is its first field, so that with_id() needs no
// second encoding.
void encode_emission(const Emission& emission, std::string& out);
std::string with_id(std::string_view id, std::string_view message);

// Fills all but sequence, lane and targets.
Result<Emission> decode_emission(std::string_view message);

// What the journal keeps of a group's emissions: equal digests, equal emissions. Where
// they come from and where they go is left out: it is no part of what was said.
Digest digest_of(std::span<const Emission> emissions);
// What entries of before kept: uplinks were a part of it.
Digest digest_with_targets(std::span<const Emission> emissions);

}  // namespace wayside
