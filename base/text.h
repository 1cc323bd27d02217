// Small text functions that several folders need.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wayside {

// The candidate with the fewest edits to `word`; none when all are further than a third of it.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

// "64MiB", "4KiB", "1GiB", "512B".
std::optional<uint64_t> parse_bytes(std::string_view text);
std::string format_bytes(uint64_t bytes);

bool is_valid_utf8(std::string_view text);

// What a terminal must not take for a command becomes a blank; bytes that are not UTF-8 become
// U+FFFD.
std::string printable(std::string_view text);
// The same for an error: no more than the first words of a long text.
std::string shortened(std::string_view text);

// A JSON string literal of `text`, quotes included; bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);
// The member "name":"text" of the object that `out` has begun with a brace.
void append_json_member(std::string& out, std::string_view name, std::string_view text);
// Whether it stands for itself between the quotes of one.
bool is_plain_in_json(std::string_view text);
// The shortest text that reads back as the same number; "null" for what JSON cannot say.
void append_json_number(std::string& out, double value);
// The same into an array of kJsonNumberMax bytes; returns the end of it.
constexpr size_t kJsonNumberMax = 32;
char* write_json_number(char* to, double value);

// Two digits a byte, and back; nothing if it is something else.
std::string hex_of(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view digits);

// Are they the same but for the case of ASCII letters, which SQL does not tell apart?
bool same_name(std::string_view a, std::string_view b);

// What a name in the configuration may be: letters, digits, '_' and '-'.
bool is_name(std::string_view text);

}  // namespace wayside
