#include "pipeline/emission.h"

#include <gtest/gtest.h>

#include <random>

#include "pipeline/emission_codec.h"

namespace wayside {
namespace {

Emission to(uint32_t targets, bool critical = false) {
  Emission e;
  e.targets = targets;
  e.critical = critical;
  return e;
}

TEST(Emissions, are_numbered_without_gaps_and_counted_by_uplink) {
  EmissionBuffer out;
  for (uint32_t targets : {0b001u, 0b101u, 0b100u}) out.add(to(targets));
  out.clear();
  out.add(to(0b100));
  EXPECT_EQ(out.pending().size(), 1u);
  EXPECT_EQ(out.pending()[0].sequence, 4u) << "a number is given once";
  EXPECT_EQ(out.emitted(), (std::vector<uint64_t>{2, 0, 3}));
  out.count_forwarded(1, 10);
  EXPECT_EQ(out.emitted(), (std::vector<uint64_t>{2, 10, 3}));
}

TEST(Emissions, of_a_burst_give_their_memory_back) {
  EmissionBuffer out;
  for (int i = 0; i < 100'000; ++i) out.add(to(1));
  EXPECT_GE(out.capacity(), 100'000u);
  out.clear();
  EXPECT_LE(out.capacity(), 4'096u);
  out.add(to(1));
  EXPECT_EQ(out.pending()[0].sequence, 100'001u);
}

TEST(Emissions, without_a_target_do_not_exist) {
  EmissionBuffer out;
  out.add(to(0, true));
  EXPECT_TRUE(out.pending().empty());
  EXPECT_FALSE(out.has_critical());
  EXPECT_EQ(out.last_sequence(), 0u);
}

TEST(Emissions, a_critical_one_hurries_its_commit_only) {
  EmissionBuffer out;
  out.add(to(1));
  EXPECT_FALSE(out.has_critical());
  out.add(to(1, true));
  out.add(to(1));
  EXPECT_TRUE(out.has_critical());
  out.clear();
  EXPECT_FALSE(out.has_critical());
}

TEST(Emissions, numbers_go_on_after_a_restart) {
  EmissionBuffer out;
  out.restore(41, {40, 7});
  out.add(to(0b10));
  EXPECT_EQ(out.pending()[0].sequence, 42u);
  EXPECT_EQ(out.emitted(), (std::vector<uint64_t>{40, 8}));
}

Emission sample() {
  Emission e;
  e.sequence = 7;
  e.targets = 3;
  e.type = "window";
  e.block = "cold_5m";
  e.key = "Lkw 17 ❄";
  e.time_ms = -1;
  e.fields = {{"n", 3.0},
              {"avg", -0.1},
              {"final", true},
              {"open", false},
              {"label", std::string("a\0b", 3)},
              {"empty", std::string()},
              {"none", Value()}};
  return e;
}

std::string encoded(const Emission& e) {
  std::string bytes;
  encode_emission(e, bytes);
  return bytes;
}

TEST(EmissionCodec, a_decoded_emission_says_what_was_encoded) {
  const Emission e = sample();
  const auto back = decode_emission(encoded(e));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->type, e.type);
  EXPECT_EQ(back->block, e.block);
  EXPECT_EQ(back->key, e.key);
  EXPECT_EQ(back->time_ms, e.time_ms);
  EXPECT_EQ(back->fields, e.fields);
  EXPECT_TRUE(decode_emission(encoded(Emission())).ok());
}

TEST(EmissionCodec, tells_where_an_emission_comes_from_and_digests_do_not) {
  Emission e = sample();
  const std::string former = encoded(e);
  EXPECT_EQ(decode_emission(former)->cause, Cause()) << "stores of before have none";
  EXPECT_EQ(decode_emission(former)->config, 0u);
  const Digest said = digest_of({&e, 1});
  for (const Cause cause : {Cause{18, 0}, Cause{18, 3}, Cause{1ull << 40, Cause::kNoReading}}) {
    e.cause = cause;
    e.config = 0xfa2b3c4d;
    const auto back = decode_emission(encoded(e));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back->cause, cause);
    EXPECT_EQ(back->config, 0xfa2b3c4du);
    EXPECT_EQ(back->fields, e.fields);
    EXPECT_EQ(digest_of({&e, 1}), said);
    EXPECT_LE(encoded(e).size(), former.size() + 16);
  }
}

TEST(Cause, is_written_as_at_the_end_of_a_reading_s_id) {
  EXPECT_EQ(to_text(Cause{18, 3}), "18.3");
  EXPECT_EQ(to_text(Cause{18}), "18");
  for (const Cause cause : {Cause{18, 3}, Cause{18}}) EXPECT_EQ(parse_cause(to_text(cause)), cause);
  for (const char* text : {"", "0", "x", "18.", "18.x", "18 "}) EXPECT_FALSE(parse_cause(text));
  EXPECT_EQ(version_digits(0xab), "000000ab");
  EXPECT_EQ(parse_version_digits("000000ab"), 0xabu);
  for (const char* text : {"", "ab", "000000aB.", "000000ag"}) {
    EXPECT_EQ(parse_version_digits(text), 0u) << text;
  }
}

TEST(EmissionCodec, an_id_in_front_changes_nothing_else) {
  const std::string bytes = encoded(sample());
  const std::string whole = with_id("truck-17/2/9", bytes);
  EXPECT_TRUE(whole.ends_with(bytes));
  EXPECT_NE(whole.find("truck-17/2/9"), std::string::npos);
  const auto back = decode_emission(whole);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->fields, sample().fields);
}

TEST(EmissionCodec, a_field_of_a_later_version_is_passed_over) {
  std::string bytes = encoded(sample());
  bytes += std::string("\x78\x05", 2);        // field 15, a varint
  bytes += std::string("\xa2\x06\x02hi", 5);  // field 100, a text
  const auto back = decode_emission(bytes);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->fields, sample().fields);
}

TEST(EmissionCodec, a_value_of_another_wire_type_is_refused) {
  using namespace std::literals;
  for (std::string_view bytes : {
           "\x10\x05"sv,              // type: a varint
           "\x2a\x01x"sv,             // time_ms: a text
           "\x29\0\0\0\0\0\0\0\0"sv,  // time_ms: eight bytes
           "\x30\x05"sv,              // fields: a varint
           "\x42\x01x"sv,             // cause_entry: a text
           "\x50\x05"sv,              // config: a varint
           "\x32\x02\x08\x05"sv,      // name of a field: a varint
           "\x32\x02\x10\x05"sv,      // its number: a varint
           "\x32\x02\x18\x05"sv,      // its text: a varint
           "\x32\x03\x22\x01x"sv,     // its flag: a text
       }) {
    const auto decoded = decode_emission(bytes);
    ASSERT_FALSE(decoded.ok());
    EXPECT_EQ(decoded.error().message, "emission: wrong wire type");
  }
}

// A cut between two fields is a shorter message; any other is refused. None reads beyond the end.
TEST(EmissionCodec, a_cut_message_is_refused_or_says_less) {
  const Emission e = sample();
  const std::string bytes = encoded(e);
  size_t refused = 0;
  for (size_t n = 0; n < bytes.size(); ++n) {
    const std::unique_ptr<char[]> exact(new char[n]);  // so that a sanitizer sees a step too far
    std::copy_n(bytes.begin(), n, exact.get());
    const auto back = decode_emission({exact.get(), n});
    if (!back.ok()) {
      ++refused;
      EXPECT_EQ(back.error().code, ErrorCode::kBadData);
      continue;
    }
    ASSERT_LT(back->fields.size(), e.fields.size()) << n;
    for (size_t i = 0; i < back->fields.size(); ++i) EXPECT_EQ(back->fields[i], e.fields[i]);
  }
  EXPECT_EQ(bytes.size() - refused, 4 + e.fields.size()) << "the places between two fields";
}

TEST(EmissionCodec, bytes_of_chance_are_refused_or_decoded_but_never_fatal) {
  constexpr uint64_t kSeed = 3;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937_64 random(kSeed);
  const std::string good = encoded(sample());
  size_t refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    for (uint64_t flips = 1 + random() % 3; flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    refused += !decode_emission(bytes).ok();
  }
  EXPECT_GT(refused, 1'000u);
}

TEST(EmissionCodec, the_digest_tells_any_difference) {
  const std::vector<Emission> two = {sample(), sample()};
  const Digest digest = digest_of(two);
  EXPECT_EQ(digest_of(two), digest);
  EXPECT_NE(digest_of(std::span(two).first(1)), digest);
  const std::vector<void (*)(Emission&)> changes = {
      [](Emission& e) { ++e.sequence; },
      [](Emission& e) { e.lane = Lane::kAlarm; },
      [](Emission& e) { e.type = "late"; },
      [](Emission& e) { e.block += "x"; },
      [](Emission& e) { e.key = "x"; },
      [](Emission& e) { ++e.time_ms; },
      [](Emission& e) { e.fields.pop_back(); },
      [](Emission& e) { e.fields[0].value = std::nextafter(3.0, 4.0); },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    std::vector<Emission> other = two;
    changes[i](other[1]);
    EXPECT_NE(digest_of(other), digest) << "change " << i;
  }
}

TEST(EmissionCodec, where_it_goes_is_no_part_of_what_was_said) {
  Emission other = sample();
  other.targets ^= 2;
  EXPECT_EQ(digest_of({&other, 1}), digest_of(std::vector{sample()}));
  EXPECT_NE(digest_with_targets({&other, 1}), digest_with_targets(std::vector{sample()}));
}

}  // namespace
}  // namespace wayside
