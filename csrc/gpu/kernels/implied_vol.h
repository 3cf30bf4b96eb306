// Implied volatility of one row: the quote is normalised in double-single, solved in float from the normal
// model's volatility, and refined by one step whose residual is formed in double-single. A row outside the
// domain is NaN: the host solves it. The steps are those of pricing/implied_vol_near.hpp.
namespace atalanta_gpu {

ATALANTA_CONSTANT kLeastValue = 1e-6f;       // of the out-of-the-money option, in units of the spot
ATALANTA_CONSTANT kMostValue = 0.45f;        // in units of the smaller discounted amount
ATALANTA_CONSTANT kMostLogMoneyness = 3.5f;  // of the fits below
ATALANTA_CONSTANT kMostNormalVol = 1.34f;
ATALANTA_CONSTANT kRootTwoPi = 2.50662827f;

struct NormalisedQuote {
    DoubleSingle value, base, m;  // of the out-of-the-money option; min(S', K'); |ln(S'/K')|
    float gap;                    // |S' - K'|
};

ATALANTA_FUNCTION NormalisedQuote normalised(WideContract o, Amount price) {
    const WideLegs legs = legs_of(o);
    const bool call_outside = legs.m.hi < 0.0f, inside = legs.gain.hi > 0.0f;
    const DoubleSingle quoted = add(pair(price), price.rest);
    return {inside ? subtract(quoted, legs.gain) : quoted, call_outside ? legs.spot : legs.strike,
            call_outside ? negative(legs.m) : legs.m, magnitude(legs.gain.hi)};
}

ATALANTA_FUNCTION bool in_domain(WideContract o, NormalisedQuote quote) {
    return within(quote.value.hi, kLeastValue * o.spot.hi, kMostValue * quote.base.hi) &&
           within(quote.m.hi, 0.0f, kMostLogMoneyness);
}

// a / (h sqrt(L + 2.1)), L = ln(1 + gap / (value sqrt(2 pi))), h that of the normal model.
ATALANTA_FUNCTION float normal_model_vol(float value, float base, float gap, float a) {
    const float eta = quotient(gap, value * kRootTwoPi);
    // Near the money a and the logarithm vanish together.
    const float least = 1e-3f * value * kRootTwoPi,
                slope = gap > 1e-5f * base ? quotient(a, gap) : quotient(1.0f, base);
    const float growth = eta < 1e-3f ? eta * fused(-0.5f, eta, 1.0f) : logarithm(1.0f + eta);
    const float ratio =
        gap < least ? slope * value * kRootTwoPi * fused(0.5f, eta, 1.0f) : quotient(a, growth);
    const float shifted = root(growth + 2.1f), x = quotient(1.0f, shifted);
    float p = fused(x, -8465.85034f, 33590.4830f);
    p = fused(x, p, -57406.0856f);
    p = fused(x, p, 55198.4478f);
    p = fused(x, p, -32837.9437f);
    p = fused(x, p, 12604.6656f);
    p = fused(x, p, -3193.85086f);
    p = fused(x, p, 539.025985f);
    p = fused(x, p, -61.0385753f);
    p = fused(x, p, 5.57911798f);
    p = fused(x, p, -0.0521171349f);
    p = fused(x, p, 0.708003975f);
    return ratio * shifted * p;
}

ATALANTA_FUNCTION float lognormal_correction(float normal_vol, float a) {
    const float u = normal_vol * normal_vol, z = 0.25f * a * a;
    const float c1 = fused(z, fused(z, 9.96322461e-5f, -1.49323941e-3f), 4.16232929e-2f);
    const float c2 = fused(z, -1.49301183e-4f, 3.77222286e-3f),
                c3 = fused(z, -6.00218353e-5f, 2.70039807e-4f);
    return normal_vol * fused(u, fused(u, fused(u, fused(u, 9.62642272e-5f, c3), c2), c1), 1.00002117f);
}

// Relative step of order four on ln(price): f is ln(model / quoted), difference Q(h - s/2) - Q(h + s/2).
ATALANTA_FUNCTION float relative_step(float f, float difference, float h, float s) {
    const float nu = quotient(f * kRootTwoPi * difference, s), t2 = 0.25f * s * s, h2 = h * h;
    const float p = fused(nu, h2 - t2, -f), p1 = -fused(f, p, fused(3.0f, h2, t2) * nu * nu);
    return nu * fused(p, fused(p, 3.33333333e-1f, 0.5f), fused(p1, -1.66666667e-1f, 1.0f));
}

ATALANTA_FUNCTION float solved_in_float(NormalisedQuote quote) {
    const float a = quote.m.hi, value = quote.value.hi, base = quote.base.hi;
    const float normal_vol = normal_model_vol(value, base, quote.gap, a);
    if (!(normal_vol <= kMostNormalVol)) return not_a_number();
    float s = lognormal_correction(normal_vol, a);
    for (int step = 0; step < 2; ++step) {
        const float h = quotient(a, s), z1 = h - 0.5f * s;
        if (!(h + 0.5f * s <= kLastNode)) return not_a_number();
        const float difference = tail_difference(h, s);
        const float f = logarithm(quotient(base * exponential(-0.5f * z1 * z1) * difference, value));
        s = fused(-s, relative_step(f, difference, h, s), s);
    }
    return s;
}

// Where the last step is not small the start was not near: the host solves the row.
ATALANTA_FUNCTION DoubleSingle refined(NormalisedQuote quote, float s) {
    const DoubleSingle h = divide(quote.m, pair(s)), z1 = add(h, -0.5f * s);
    const DoubleSingle difference = tail_difference(h, pair(s));
    const DoubleSingle bell = exponential(times_power(multiply(z1, z1), -0.5f));
    const DoubleSingle model = multiply(multiply(quote.base, bell), difference);
    const DoubleSingle left = divide(subtract(model, quote.value), quote.value);
    const float f = fused(-left.hi * left.hi, fused(-3.33333333e-1f, left.hi, 0.5f), left.hi);
    const float step = relative_step(f, difference.hi, h.hi, s);
    return magnitude(step) < 1e-3f ? exact_sum(s, -s * step) : pair(not_a_number());
}

// `steps` is 1 for a double-single result, 0 for what float finds.
ATALANTA_FUNCTION DoubleSingle implied_vol(WideContract o, Amount price, int steps) {
    const DoubleSingle none = pair(not_a_number());
    if (!in_domain(o, 1.0f)) return none;
    const NormalisedQuote quote = normalised(o, price);
    if (!in_domain(o, quote)) return none;
    const float s = solved_in_float(quote);
    if (!within(s, 1e-4f, 2.0f)) return none;
    const DoubleSingle total = steps > 0 ? refined(quote, s) : pair(s);
    return divide(total, square_root(o.years));
}

}  // namespace atalanta_gpu
