// exp, exp - 1 and ln(a/b) in float and in double-single. Of the built-in functions nothing is used but
// rounding and powers of two: all devices give the same digits.
namespace atalanta_gpu {

ATALANTA_CONSTANT kLeastExponent = -86.0f;  // e^x is normal in float above it; the low halves may not be

struct Exponential {
    float fraction;  // e^r - 1, |r| <= ln(2) / 2
    float scale;     // a power of two
};

// x in [-87, 87]. Taylor to order 7: error 5e-9.
ATALANTA_FUNCTION Exponential reduced_exponential(float x) {
    const float k = nearest(x * 1.44269504f);
    const float r = fused(-k, -1.90465432e-9f, fused(-k, 0.693147182f, x));
    float p = fused(r, 1.98412698e-4f, 1.38888889e-3f);
    p = fused(r, p, 8.33333333e-3f);
    p = fused(r, p, 4.16666667e-2f);
    p = fused(r, p, 1.66666667e-1f);
    p = fused(r, p, 0.5f);
    return {fused(r * r, p, r), scaled(1.0f, int(k))};
}

ATALANTA_FUNCTION float exponential(float x) {
    if (x < kLeastExponent) return 0.0f;
    const Exponential e = reduced_exponential(x);
    return fused(e.scale, e.fraction, e.scale);
}

ATALANTA_FUNCTION float exponential_less_one(float x) {
    const Exponential e = reduced_exponential(x);
    return fused(e.scale, e.fraction, e.scale - 1.0f);
}

// k such that ratio * 2^-k is in [sqrt(1/2), sqrt(2)).
ATALANTA_FUNCTION int binary_exponent(float ratio) {
    return (bits_of(ratio) - 0x3f3504f3) >> 23;
}

// ln((b + gap) / b') where b' = b 2^k is the nearer power; `total` is their sum.
ATALANTA_FUNCTION float assembled_logarithm(float gap, float total, int k) {
    const float f = quotient(gap, total), w = f * f;
    float p = fused(w, 1.11111111e-1f, 1.42857143e-1f);
    p = fused(w, p, 0.2f);
    p = fused(w, p, 3.33333333e-1f);
    const float tail = 2.0f * f * (w * p);
    return fused(float(k), 0.693147182f, 2.0f * f + tail);
}

// ln(a/b). The ratio itself is never rounded: near 1 all digits of a - b count.
ATALANTA_FUNCTION float log_ratio(DoubleSingle a, DoubleSingle b) {
    const int k = binary_exponent(quotient(a.hi, b.hi));
    const float hi = scaled(b.hi, k), lo = scaled(b.lo, k);
    return assembled_logarithm(sum(sum(a.hi, -hi), sum(a.lo, -lo)), a.hi + hi, k);
}

struct WideExponential {
    DoubleSingle fraction;  // e^r - 1, |r| <= ln(2) / 64
    DoubleSingle power;     // 2^(j/32), 0 <= j < 32
    int exponent;
};

// r = x - k ln(2) / 32, that constant in three parts: the first has 12 bits, so that k times it is exact.
ATALANTA_FUNCTION WideExponential reduced_exponential(DoubleSingle x) {
    const float k = nearest(x.hi * 46.1662413f);
    DoubleSingle r = exact_sum(fused(-k, kLn2Part[0], x.hi), x.lo);
    r = add(add(r, negative(exact_product(k, kLn2Part[1]))), -k * kLn2Part[2]);
    const float c = fused(r.hi, fused(r.hi, 1.38888889e-3f, 8.33333333e-3f), 4.16666667e-2f);
    const DoubleSingle third = add(DoubleSingle{1.66666672e-1f, -4.96705388e-9f}, r.hi * c);
    const DoubleSingle second = add(multiply(r, third), 0.5f);
    const int place = int(k), j = place & 31;
    return {add(multiply(multiply(r, r), second), r), {kPower[2 * j], kPower[2 * j + 1]}, place >> 5};
}

ATALANTA_FUNCTION DoubleSingle times_power_of_two(DoubleSingle a, int k) {
    return {scaled(a.hi, k), scaled(a.lo, k)};
}

ATALANTA_FUNCTION DoubleSingle exponential(DoubleSingle x) {
    if (x.hi < kLeastExponent) return {0.0f, 0.0f};
    const WideExponential e = reduced_exponential(x);
    return times_power_of_two(add(e.power, multiply(e.power, e.fraction)), e.exponent);
}

ATALANTA_FUNCTION DoubleSingle exponential_less_one(DoubleSingle x) {
    const WideExponential e = reduced_exponential(x);
    const DoubleSingle power = times_power_of_two(e.power, e.exponent);
    return add(add(power, -1.0f), multiply(power, e.fraction));
}

// 2 atanh(f) in w = f^2 <= 0.0295; the terms from w^4 on need no more than float.
ATALANTA_FUNCTION DoubleSingle twice_inverse_tangent(DoubleSingle f) {
    const DoubleSingle w = multiply(f, f);
    float c = 5.26315789e-2f;  // 1/19
    c = fused(w.hi, c, 5.88235294e-2f);
    c = fused(w.hi, c, 6.66666667e-2f);
    c = fused(w.hi, c, 7.69230769e-2f);
    c = fused(w.hi, c, 9.09090909e-2f);
    c = fused(w.hi, c, 1.11111111e-1f);
    DoubleSingle p = add(DoubleSingle{1.42857149e-1f, -6.386212e-9f}, w.hi * c);
    p = add(multiply(w, p), DoubleSingle{2.00000003e-1f, -2.98023228e-9f});
    p = add(multiply(w, p), DoubleSingle{3.33333343e-1f, -9.93410776e-9f});
    const DoubleSingle twice = times_power(f, 2.0f);
    return add(multiply(twice, multiply(w, p)), twice);
}

ATALANTA_FUNCTION DoubleSingle log_ratio(Amount a, Amount b) {
    const int k = binary_exponent(quotient(a.hi, b.hi));
    const Amount near = {scaled(b.hi, k), scaled(b.lo, k), scaled(b.rest, k)};
    const DoubleSingle f = divide(difference(a, near), add(pair(a), pair(near)));
    const DoubleSingle far = multiply(DoubleSingle{0.693147182f, -1.90465421e-9f}, float(k));
    return add(far, twice_inverse_tangent(f));
}

}  // namespace atalanta_gpu
