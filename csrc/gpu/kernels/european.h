// European price and Greeks of one row, in float and in double-single. The option that is out of the money at
// the forward is worth base e^(-z1^2/2) [Q(z1) - Q(z2)], z = h -+ s/2, h = |ln(F/K)| / s, base = min of the
// discounted spot and strike; the other side follows by parity. A row outside the domain is NaN: the host
// finishes it in double precision.
namespace atalanta_gpu {

ATALANTA_CONSTANT kLeastAmount = 1e-10f;
ATALANTA_CONSTANT kMostAmount = 1e10f;
ATALANTA_CONSTANT kLeastTotalVol = 4e-3f;

// Spot and strike come as pairs also in float: near the money only their difference matters.
struct Contract {
    float right;
    DoubleSingle spot, strike;
    float years, rate, dividend_yield;
};

// The domains leave out what would break the guarantees: discounted strikes far above the spot (an error is
// counted in spots), carry that cancels against ln(S/K) where the total volatility is small.
ATALANTA_FUNCTION bool in_domain(Contract o, float s) {
    return magnitude(o.right) == 1.0f && within(o.spot.hi, kLeastAmount, kMostAmount) &&
           within(o.strike.hi, 1e-3f * o.spot.hi, 1.75f * o.spot.hi) && within(o.years, 1e-9f, 100.0f) &&
           within(o.rate * o.years, -0.25f, 0.25f) && within(o.dividend_yield * o.years, -0.25f, 0.25f) &&
           within(s, kLeastTotalVol, 2.0f);
}

struct Position {
    float gain;         // right (S' - K'), the discounted amounts
    float base, other;  // min and max of these
    float h, s, bell;   // e^(-z1^2/2)
    bool call_outside;  // the call is out of the money
    bool seen;          // z2 is within the table; beyond it the out-of-the-money option is worth 0
};

ATALANTA_FUNCTION Position position_of(Contract o, float s) {
    // F - K as S - K + S (e^g - 1): near the money nothing cancels but what was exact.
    const float g = sum(o.rate, -o.dividend_yield) * o.years, growth = exponential_less_one(g);
    const float fall = exponential_less_one(-o.rate * o.years);
    const float apart = sum(sum(o.spot.hi, -o.strike.hi), sum(o.spot.lo, -o.strike.lo));
    const float grown = fused(o.spot.hi, growth, o.spot.hi), difference = fused(o.spot.hi, growth, apart);
    const float spot = fused(grown, fall, grown), strike = fused(o.strike.hi, fall, o.strike.hi);
    const float gain = fused(difference, fall, difference);
    const float m = sum(g, log_ratio(o.spot, o.strike));
    const float h = quotient(magnitude(m), s), z1 = h - 0.5f * s;
    const bool call_outside = m < 0.0f, seen = h + 0.5f * s <= kLastNode;
    return {o.right * gain,
            call_outside ? spot : strike,
            call_outside ? strike : spot,
            h,
            s,
            seen ? exponential(-0.5f * z1 * z1) : 0.0f,
            call_outside,
            seen};
}

ATALANTA_FUNCTION float value_of(Position p) {
    const float outside = p.seen ? p.base * p.bell * tail_difference(p.h, p.s) : 0.0f;
    return p.gain > 0.0f ? p.gain + outside : outside;
}

ATALANTA_FUNCTION float price_single(Contract o, float vol) {
    const float s = vol * root(o.years);
    if (!in_domain(o, s)) return not_a_number();
    return value_of(position_of(o, s));
}

struct Greeks {
    float price, delta, gamma, vega, theta, rho, phi;
};

ATALANTA_FUNCTION Greeks greeks_single(Contract o, float vol) {
    const float root_years = root(o.years), s = vol * root_years, none = not_a_number();
    if (!in_domain(o, s)) return {none, none, none, none, none, none, none};
    const Position p = position_of(o, s);
    const float density = kInverseRootTwoPi * p.base * p.bell;  // S' n(d1) = K' n(d2)
    const float near = p.seen ? p.base * p.bell * tail_at(p.h - 0.5f * s).value : 0.0f;
    const float far = p.seen ? p.base * p.bell * tail_at(p.h + 0.5f * s).value : 0.0f;
    const bool inside = (o.right > 0.0f) != p.call_outside;
    const float base_leg = inside ? p.base - near : near, other_leg = inside ? p.other - far : far;
    const float spot_leg = p.call_outside ? base_leg : other_leg;
    const float strike_leg = p.call_outside ? other_leg : base_leg;
    const float spot = o.spot.hi;
    return {value_of(p),
            quotient(o.right * spot_leg, spot),
            quotient(density, spot * spot * s),
            density * root_years,
            fused(o.right, fused(o.dividend_yield, spot_leg, -o.rate * strike_leg),
                  quotient(-0.5f * density * vol, root_years)),
            o.right * o.years * strike_leg,
            -o.right * o.years * spot_leg};
}

// The same in double-single. Its amounts are exact doubles.
struct WideContract {
    float right;
    Amount spot, strike;
    DoubleSingle years, rate, dividend_yield;
};

ATALANTA_FUNCTION bool in_domain(WideContract o, float s) {
    const float years = o.years.hi;
    return magnitude(o.right) == 1.0f && within(o.spot.hi, kLeastAmount, kMostAmount) &&
           within(o.strike.hi, 1e-3f * o.spot.hi, 4.0f * o.spot.hi) && within(years, 1e-9f, 100.0f) &&
           within(o.rate.hi * years, -0.25f, 0.25f) && within(o.dividend_yield.hi * years, -0.25f, 0.25f) &&
           within(s, kLeastTotalVol, 4.0f);
}

struct WideLegs {
    DoubleSingle gain, spot, strike;  // right (S' - K'), S', K'
    DoubleSingle m;                   // ln(S'/K')
};

ATALANTA_FUNCTION WideLegs legs_of(WideContract o) {
    const DoubleSingle g = multiply(subtract(o.rate, o.dividend_yield), o.years), spot = pair(o.spot);
    const DoubleSingle growth = multiply(spot, exponential_less_one(g));
    const DoubleSingle discount = exponential(negative(multiply(o.rate, o.years)));
    const DoubleSingle gain = multiply(add(difference(o.spot, o.strike), growth), discount);
    return {times_power(gain, o.right), multiply(add(spot, growth), discount),
            multiply(pair(o.strike), discount), add(log_ratio(o.spot, o.strike), g)};
}

struct WidePosition {
    DoubleSingle base, other, h, s, bell;
    bool call_outside, seen;
};

ATALANTA_FUNCTION WidePosition position_of(WideLegs legs, DoubleSingle s) {
    const bool call_outside = legs.m.hi < 0.0f;
    const DoubleSingle h = divide(call_outside ? negative(legs.m) : legs.m, s);
    const DoubleSingle z1 = subtract(h, times_power(s, 0.5f));
    const bool seen = h.hi + 0.5f * s.hi <= kLastNode;
    return {call_outside ? legs.spot : legs.strike,
            call_outside ? legs.strike : legs.spot,
            h,
            s,
            seen ? exponential(times_power(multiply(z1, z1), -0.5f)) : pair(0.0f),
            call_outside,
            seen};
}

ATALANTA_FUNCTION DoubleSingle outside_value(WidePosition p) {
    if (!p.seen) return pair(0.0f);
    return multiply(multiply(p.base, p.bell), tail_difference(p.h, p.s));
}

ATALANTA_FUNCTION DoubleSingle value_of(WideLegs legs, WidePosition p) {
    const DoubleSingle outside = outside_value(p);
    return legs.gain.hi > 0.0f ? add(legs.gain, outside) : outside;
}

ATALANTA_FUNCTION DoubleSingle price_double_single(WideContract o, DoubleSingle vol) {
    if (!in_domain(o, vol.hi * root(o.years.hi))) return pair(not_a_number());
    const WideLegs legs = legs_of(o);
    return value_of(legs, position_of(legs, multiply(vol, square_root(o.years))));
}

struct WideGreeks {
    DoubleSingle price, delta, gamma, vega, theta, rho, phi;
};

ATALANTA_FUNCTION WideGreeks greeks_double_single(WideContract o, DoubleSingle vol) {
    const DoubleSingle none = pair(not_a_number());
    if (!in_domain(o, vol.hi * root(o.years.hi))) return {none, none, none, none, none, none, none};
    const DoubleSingle root_years = square_root(o.years), s = multiply(vol, root_years);
    const WideLegs legs = legs_of(o);
    const WidePosition p = position_of(legs, s);
    const DoubleSingle amount = multiply(p.base, p.bell), middle = times_power(s, 0.5f);
    const DoubleSingle density = multiply(amount, DoubleSingle{0.398942292f, -1.13351701e-8f});
    const DoubleSingle near = p.seen ? multiply(amount, tail_at(subtract(p.h, middle)).value) : pair(0.0f);
    const DoubleSingle far = p.seen ? multiply(amount, tail_at(add(p.h, middle)).value) : pair(0.0f);
    const bool inside = (o.right > 0.0f) != p.call_outside;
    const DoubleSingle base_leg = inside ? subtract(p.base, near) : near;
    const DoubleSingle other_leg = inside ? subtract(p.other, far) : far;
    const DoubleSingle spot_leg = times_power(p.call_outside ? base_leg : other_leg, o.right);
    const DoubleSingle strike_leg = times_power(p.call_outside ? other_leg : base_leg, o.right);
    const DoubleSingle spot = pair(o.spot);
    const DoubleSingle decay = divide(multiply(density, times_power(vol, 0.5f)), root_years);
    const DoubleSingle carry = subtract(multiply(o.dividend_yield, spot_leg), multiply(o.rate, strike_leg));
    return {value_of(legs, p),
            divide(spot_leg, spot),
            divide(density, multiply(multiply(spot, spot), s)),
            multiply(density, root_years),
            subtract(carry, decay),
            multiply(o.years, strike_leg),
            negative(multiply(o.years, spot_leg))};
}

}  // namespace atalanta_gpu
