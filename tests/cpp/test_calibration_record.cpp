// The calibration record: what is written is read, and whatever is not what was written is refused.
#include <stdexcept>
#include <string>

#include "check.hpp"
#include "routing/calibration_record.hpp"

using namespace atalanta::routing;

static const CalibrationRecord kRecord = {
    "cpu: Imaginary 9000\nisa: avx512, threads 4",
    {{"price", "cpu:1", {{64, 512.25}, {1'024, 5'900.5}}}, {"price", "cpu:pool", {{64, 22'000.0}}}}};

static std::string refusal(const std::string& text) {
    try {
        decode(text);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

static bool contains(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

TEST(what_is_written_is_read) {
    const CalibrationRecord read = decode(encode(kRecord));
    CHECK(read.fingerprint == kRecord.fingerprint);
    CHECK(read.curves.size() == 2);
    CHECK(read.curves[0].operation == "price" && read.curves[1].target == "cpu:pool");
    CHECK(read.curves[0].points.size() == 2 && read.curves[0].points[1].work == 1'024);
    CHECK_CLOSE(512.25, read.curves[0].points[0].ns, 1e-9);
    CHECK(encode(read) == encode(kRecord));
}

TEST(a_record_without_curves_is_one) {
    CHECK(decode(encode({"x", {}})).curves.empty());
    CHECK(decode(encode({"", {}})).fingerprint.empty());
}

TEST(any_flipped_bit_is_refused) {
    const std::string text = encode(kRecord);
    for (std::size_t i = 0; i < text.size(); ++i) {
        for (const char bit : {1, 4, 64}) {
            std::string changed = text;
            changed[i] = static_cast<char>(changed[i] ^ bit);
            CHECK(!refusal(changed).empty());
        }
    }
}

TEST(any_part_of_a_record_is_refused) {
    const std::string text = encode(kRecord);
    for (std::size_t size = 0; size < text.size(); ++size) CHECK(!refusal(text.substr(0, size)).empty());
    CHECK(!refusal(text + "x").empty());
    CHECK(!refusal(text + text).empty());
}

TEST(a_refusal_says_why) {
    std::string other = encode(kRecord);
    other.replace(other.find(" 1\n"), 3, " 2\n");
    CHECK(contains(refusal(other), "its version is 2, this is version 1"));
    CHECK(contains(refusal("{}"), "does not begin as a calibration file"));
    CHECK(contains(refusal(encode(kRecord).substr(0, 60)), "cut off"));
    std::string changed = encode(kRecord);
    changed[30] ^= 1;
    CHECK(contains(refusal(changed), "its checksum is wrong"));
}

TEST(lines_that_no_encoder_writes_are_refused_even_with_a_right_checksum) {
    for (const CalibrationCurve& curve :
         {CalibrationCurve{"price", "", {{64, 1.0}}}, CalibrationCurve{"price", "cpu:1", {}},
          CalibrationCurve{"price", "cpu:1", {{64, 0.0}}},
          CalibrationCurve{"price", "cpu:1", {{64, 1.0}, {64, 2.0}}}}) {
        CHECK(contains(refusal(encode({"x", {curve}})), "none of a calibration"));
    }
}

ATALANTA_TEST_MAIN
