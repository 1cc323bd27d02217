// What this build has beside the core: the options of CMakeLists.txt. What is left out is named by
// `wayside check` where a configuration asks for it, and by the verbs that are not there.
#pragma once

namespace wayside {

constexpr bool kHasKafka = WAYSIDE_KAFKA;          // the uplink type "kafka"
constexpr bool kHasHttp = WAYSIDE_HTTP;            // [http]
constexpr bool kHasPast = WAYSIDE_PAST;            // wayside sql, explain, replay and restore
constexpr bool kHasSimulator = WAYSIDE_SIMULATOR;  // wayside simulate

}  // namespace wayside
