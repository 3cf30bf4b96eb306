#include "routing/calibration_record.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>

namespace atalanta::routing {
namespace {

constexpr std::string_view kMagic = "atalanta-calibration ";
constexpr double kPicoseconds = 1e3;  // in a nanosecond; the file holds whole numbers
constexpr std::string_view kChecksum = "checksum ";

// FNV-1a, 64 bits: against accidents, not against intent.
std::uint64_t checksum(std::string_view text) noexcept {
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3;
    return hash;
}

std::string hexadecimal(std::uint64_t value) {
    std::string digits(16, '0');
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, value >>= 4)
        *digit = "0123456789abcdef"[value & 15];
    return digits;
}

// A fingerprint may have line ends; each of its lines becomes one of ours.
void add_fingerprint(std::string& text, std::string_view fingerprint) {
    for (;;) {
        const std::size_t end = fingerprint.find('\n');
        text.append("machine ").append(fingerprint.substr(0, end)).append("\n");
        if (end == std::string_view::npos) return;
        fingerprint.remove_prefix(end + 1);
    }
}

[[noreturn]] void broken(std::string_view line) {
    std::string wrong("it has a line that is none of a calibration: '");
    wrong.append(line.substr(0, 60)).append("'");
    throw std::invalid_argument(wrong);
}

std::string_view next(std::string_view& text, char separator) {
    const std::size_t end = text.find(separator);
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return part;
}

std::uint64_t number_in(std::string_view word, std::string_view line) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) broken(line);
    return value;
}

CalibrationCurve curve_in(std::string_view line) {
    std::string_view rest = line;
    next(rest, ' ');
    CalibrationCurve curve{std::string(next(rest, ' ')), std::string(next(rest, ' ')), {}};
    while (!rest.empty()) {
        std::string_view pair = next(rest, ' ');
        const auto work = number_in(next(pair, ':'), line);
        const double ns = static_cast<double>(number_in(pair, line)) / kPicoseconds;
        const bool ascends = curve.points.empty() || work > curve.points.back().work;
        if (!ascends || !(ns > 0.0)) broken(line);
        curve.points.push_back({work, ns});
    }
    if (curve.operation.empty() || curve.target.empty() || curve.points.empty()) broken(line);
    return curve;
}

// The lines before the checksum, which must be right.
std::string_view verified(std::string_view text) {
    if (!text.starts_with(kMagic)) throw std::invalid_argument("it does not begin as a calibration file");
    std::string_view first = text.substr(kMagic.size());
    first = next(first, '\n');
    if (first != std::to_string(kRecordVersion)) {
        throw std::invalid_argument("its version is " + std::string(first.substr(0, 20)) +
                                    ", this is version " + std::to_string(kRecordVersion));
    }
    const std::size_t place = text.rfind(kChecksum);
    if (place == std::string_view::npos || text[place - 1] != '\n')
        throw std::invalid_argument("it is cut off: its checksum is missing");
    const std::string_view body = text.substr(0, place);
    const std::string_view sum = text.substr(place + kChecksum.size());
    if (!sum.ends_with('\n') || sum.substr(0, sum.size() - 1) != hexadecimal(checksum(body)))
        throw std::invalid_argument("its checksum is wrong: the file was cut off or changed");
    return body;
}

}  // namespace

std::string encode(const CalibrationRecord& record) {
    std::string text(kMagic);
    text.append(std::to_string(kRecordVersion)).append("\n");
    add_fingerprint(text, record.fingerprint);
    for (const CalibrationCurve& curve : record.curves) {
        text.append("curve ").append(curve.operation).append(" ").append(curve.target);
        for (const CostPoint& point : curve.points) {
            text.append(" ").append(std::to_string(point.work)).append(":");
            text.append(std::to_string(std::llround(point.ns * kPicoseconds)));
        }
        text.append("\n");
    }
    const std::string sum = hexadecimal(checksum(text));
    text.append(kChecksum).append(sum).append("\n");
    return text;
}

CalibrationRecord decode(std::string_view text) {
    std::string_view body = verified(text);
    next(body, '\n');
    CalibrationRecord record;
    bool first = true;
    while (!body.empty()) {
        const std::string_view line = next(body, '\n');
        if (line.starts_with("machine ")) {
            record.fingerprint.append(first ? "" : "\n").append(line.substr(8));
            first = false;
        } else if (line.starts_with("curve ")) {
            record.curves.push_back(curve_in(line));
        } else {
            broken(line);
        }
    }
    return record;
}

}  // namespace atalanta::routing
