// Double-single arithmetic: a value is hi + lo, |lo| <= ulp(hi) / 2, about 48 bits. Every step of an
// error-free transformation goes through `sum`, `product` and `fused`, which no compiler may reassociate or
// contract. Entries: DoubleSingle and its arithmetic; Amount, which holds a double exactly.
namespace atalanta_gpu {

struct DoubleSingle {
    float hi, lo;
};

// Three floats hold the 53 bits of a double of ordinary size. Money comes so: what two floats leave out of a
// spot, half a unit in 2^49, moves an option 500 times as elastic by more than 1e-12.
struct Amount {
    float hi, lo, rest;
};

ATALANTA_FUNCTION DoubleSingle exact_sum_ordered(float a, float b) {  // |a| >= |b|
    const float s = sum(a, b);
    return {s, sum(b, -sum(s, -a))};
}

ATALANTA_FUNCTION DoubleSingle exact_sum(float a, float b) {
    const float s = sum(a, b), moved = sum(s, -a);
    return {s, sum(sum(a, -sum(s, -moved)), sum(b, -moved))};
}

ATALANTA_FUNCTION DoubleSingle exact_product(float a, float b) {
    const float p = product(a, b);
    return {p, fused(a, b, -p)};
}

ATALANTA_FUNCTION DoubleSingle pair(float a) {
    return {a, 0.0f};
}
ATALANTA_FUNCTION DoubleSingle pair(Amount a) {
    return {a.hi, a.lo};
}
ATALANTA_FUNCTION DoubleSingle negative(DoubleSingle a) {
    return {-a.hi, -a.lo};
}
ATALANTA_FUNCTION DoubleSingle times_power(DoubleSingle a, float power) {  // of two: exact
    return {a.hi * power, a.lo * power};
}

ATALANTA_FUNCTION DoubleSingle add(DoubleSingle a, DoubleSingle b) {
    DoubleSingle s = exact_sum(a.hi, b.hi);
    const DoubleSingle t = exact_sum(a.lo, b.lo);
    s = exact_sum_ordered(s.hi, sum(s.lo, t.hi));
    return exact_sum_ordered(s.hi, sum(s.lo, t.lo));
}

ATALANTA_FUNCTION DoubleSingle add(DoubleSingle a, float b) {
    const DoubleSingle s = exact_sum(a.hi, b);
    return exact_sum_ordered(s.hi, sum(s.lo, a.lo));
}

ATALANTA_FUNCTION DoubleSingle subtract(DoubleSingle a, DoubleSingle b) {
    return add(a, negative(b));
}

ATALANTA_FUNCTION DoubleSingle multiply(DoubleSingle a, DoubleSingle b) {
    const DoubleSingle p = exact_product(a.hi, b.hi);
    const float cross = fused(a.hi, b.lo, fused(a.lo, b.hi, product(a.lo, b.lo)));
    return exact_sum_ordered(p.hi, sum(p.lo, cross));
}

ATALANTA_FUNCTION DoubleSingle multiply(DoubleSingle a, float b) {
    const DoubleSingle p = exact_product(a.hi, b);
    return exact_sum_ordered(p.hi, fused(a.lo, b, p.lo));
}

// Long division by the high half: three digits of 24 bits, so that the rounding of each does not matter.
ATALANTA_FUNCTION DoubleSingle divide(DoubleSingle a, DoubleSingle b) {
    const float first = quotient(a.hi, b.hi);
    const DoubleSingle left = subtract(a, multiply(b, first));
    const float second = quotient(left.hi, b.hi);
    const float third = quotient(subtract(left, multiply(b, second)).hi, b.hi);
    return add(exact_sum_ordered(first, second), third);
}

// Newton's step from the built-in root, which may be off by 4 units, to the nearest float, and one from there
// whose quotient is corrected for the same reason.
ATALANTA_FUNCTION DoubleSingle square_root(DoubleSingle a) {
    const float rough = root(a.hi);
    const float s = sum(rough, quotient(subtract(a, exact_product(rough, rough)).hi, 2.0f * rough));
    const float left = subtract(a, exact_product(s, s)).hi, twice = 2.0f * s, step = quotient(left, twice);
    return exact_sum_ordered(s, sum(step, quotient(fused(-step, twice, left), twice)));
}

// a - b; exact but for one rounding at 2^-48 of the difference.
ATALANTA_FUNCTION DoubleSingle difference(Amount a, Amount b) {
    return add(subtract(pair(a), pair(b)), sum(a.rest, -b.rest));
}

}  // namespace atalanta_gpu
