// What calibration measured, as a text that a later process may trust: versioned, bound to one machine by its
// fingerprint, and guarded by a checksum. Entries: encode, decode.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "routing/cost_model.hpp"

namespace atalanta::routing {

inline constexpr int kRecordVersion = 1;

struct CalibrationCurve {
    std::string operation, target;
    std::vector<CostPoint> points;  // ascending
};

struct CalibrationRecord {
    std::string fingerprint;  // any text; what it does not share with this machine makes the record foreign
    std::vector<CalibrationCurve> curves;
};

// Names must not contain blanks or line ends.
std::string encode(const CalibrationRecord& record);

// Throws std::invalid_argument that says what is wrong: another version, a wrong checksum, a broken line.
CalibrationRecord decode(std::string_view text);

}  // namespace atalanta::routing
