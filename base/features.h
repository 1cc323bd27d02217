// What this build has beside the core: the options of CMakeLists.txt. What is left out is named by
// `wayside check` where a configuration asks for it, and by the verbs that are not there.
#pragma once

namespace wayside {

constexpr bool kHasKafka = WAYSIDE_KAFKA;        // the uplink type "kafka"
constexpr bool kHasHttp = WAYSIDE_HTTP;          // [http]
constexpr bool kHasPast = WAYSIDE_PAST;          // wayside sql, explain, replay and restore
constexpr bool kHasTools = WAYSIDE_TOOLS;        // wayside init, decode and simulate
constexpr bool kHasFormats = WAYSIDE_FORMATS;    // formats of payloads beside JSON
constexpr bool kHasInputs = WAYSIDE_INPUTS;      // [[input]]
constexpr bool kHasBlocks = WAYSIDE_BLOCKS;      // blocks beside windows, maps, routes and rules
constexpr bool kHasCommands = WAYSIDE_COMMANDS;  // [[command]] and [[view]]
constexpr bool kHasDevices = WAYSIDE_DEVICES;    // [registry], [[device]], cleaning by their past

// The same, for who wants to know of another build.
struct Features {
  bool kafka = kHasKafka;
  bool http = kHasHttp;
  bool formats = kHasFormats;
  bool inputs = kHasInputs;
  bool blocks = kHasBlocks;
  bool commands = kHasCommands;
  bool devices = kHasDevices;
};

}  // namespace wayside
