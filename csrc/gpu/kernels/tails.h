// The scaled normal tail Q(x) = e^(x^2/2) N(-x) and R = -Q', x in [-2, 14], from a table of both at 1025
// nodes and their Taylor series there: Q^(n+1) = x Q^(n) + n Q^(n-1). R has a table of its own because Q' =
// xQ - 1/sqrt(2 pi) cancels. Entry: tail_difference, Q(h - s/2) - Q(h + s/2) without cancellation for small
// s.
namespace atalanta_gpu {

ATALANTA_CONSTANT kLastNode = 14.0f;  // beyond it e^(-x^2/2) is 0 in float
ATALANTA_CONSTANT kNarrow = 0.25f;    // up to this s the difference is a series in s
ATALANTA_CONSTANT kInverseRootTwoPi = 0.398942280f;

struct Node {
    int place;  // of its four numbers in the table
    float centre;
};

ATALANTA_FUNCTION Node nearest_node(float x) {
    const int i = int(nearest(fused(x, 64.0f, 128.0f)));
    return {4 * i, fused(float(i), 0.015625f, -2.0f)};
}

struct Tail {
    float value, slope;  // Q and R
};

ATALANTA_FUNCTION Tail tail_at(float x) {
    const Node node = nearest_node(x);
    const float c = node.centre, t = sum(x, -c);
    const float d0 = kTail[node.place], d1 = -kTail[node.place + 2];
    const float d2 = fused(c, d1, d0), d3 = fused(c, d2, 2.0f * d1), d4 = fused(c, d3, 3.0f * d2);
    const float value = fused(t, fused(t, fused(t, d3 * 1.66666667e-1f, 0.5f * d2), d1), d0);
    const float slope = fused(t, fused(t, fused(t, d4 * 1.66666667e-1f, 0.5f * d3), d2), d1);
    return {value, -slope};
}

ATALANTA_FUNCTION float tail_difference(float h, float s) {
    if (s > kNarrow) return tail_at(h - 0.5f * s).value - tail_at(h + 0.5f * s).value;
    const Tail at = tail_at(h);
    const float d2 = fused(-h, at.slope, at.value), d3 = fused(h, d2, -2.0f * at.slope);
    const float d4 = fused(h, d3, 3.0f * d2), d5 = fused(h, d4, 4.0f * d3), y = 0.25f * s * s;
    return s * (at.slope - y * fused(y, d5 * 8.33333333e-3f, d3 * 1.66666667e-1f));
}

struct WideTail {
    DoubleSingle value, slope;
};

ATALANTA_FUNCTION WideTail tail_at(DoubleSingle x) {
    const Node node = nearest_node(x.hi);
    const float c = node.centre;
    const DoubleSingle t = exact_sum(sum(x.hi, -c), x.lo);
    const DoubleSingle d0 = {kTail[node.place], kTail[node.place + 1]};
    const DoubleSingle d1 = {-kTail[node.place + 2], -kTail[node.place + 3]};
    const DoubleSingle d2 = add(multiply(d1, c), d0);
    const DoubleSingle d3 = add(multiply(d2, c), times_power(d1, 2.0f));
    const float d4 = fused(c, d3.hi, 3.0f * d2.hi), d5 = fused(c, d4, 4.0f * d3.hi);
    const float d6 = fused(c, d5, 5.0f * d4), d7 = fused(c, d6, 6.0f * d5);
    const DoubleSingle sixth = {1.66666672e-1f, -4.96705388e-9f};
    float far = fused(t.hi, fused(t.hi, d6 * 1.38888889e-3f, d5 * 8.33333333e-3f), d4 * 4.16666667e-2f);
    DoubleSingle value = add(multiply(d3, sixth), t.hi * far);
    value = add(multiply(t, value), times_power(d2, 0.5f));
    value = add(multiply(t, add(multiply(t, value), d1)), d0);
    far = fused(t.hi, fused(t.hi, fused(t.hi, d7 * 1.38888889e-3f, d6 * 8.33333333e-3f), d5 * 4.16666667e-2f),
                d4 * 1.66666667e-1f);
    DoubleSingle slope = add(times_power(d3, 0.5f), t.hi * far);
    slope = add(multiply(t, slope), d2);
    slope = add(multiply(t, slope), d1);
    return {value, negative(slope)};
}

// Q(h - s/2) - Q(h + s/2) = s (R - Q''' y/3! - Q^(5) y^2/5! - ...), y = (s/2)^2, to Q^(11).
ATALANTA_FUNCTION DoubleSingle narrow_difference(DoubleSingle h, DoubleSingle s) {
    const WideTail at = tail_at(h);
    const DoubleSingle middle = times_power(s, 0.5f), y = multiply(middle, middle);
    const DoubleSingle d2 = subtract(at.value, multiply(h, at.slope));
    const DoubleSingle d3 = subtract(multiply(h, d2), times_power(at.slope, 2.0f));
    const DoubleSingle d4 = add(multiply(h, d3), multiply(d2, 3.0f));
    const DoubleSingle d5 = add(multiply(h, d4), times_power(d3, 4.0f));
    const float x = h.hi, d6 = fused(x, d5.hi, 5.0f * d4.hi), d7 = fused(x, d6, 6.0f * d5.hi);
    const float d8 = fused(x, d7, 7.0f * d6), d9 = fused(x, d8, 8.0f * d7);
    const float d11 = fused(x, fused(x, d9, 9.0f * d8), 10.0f * d9);
    const float far =
        fused(y.hi, fused(y.hi, d11 * 2.50521084e-8f, d9 * 2.75573192e-6f), d7 * 1.98412698e-4f);
    const DoubleSingle fifth = add(multiply(d5, DoubleSingle{8.33333377e-3f, -4.34617203e-10f}), y.hi * far);
    const DoubleSingle third = multiply(d3, DoubleSingle{1.66666672e-1f, -4.96705388e-9f});
    return multiply(s, subtract(at.slope, multiply(y, add(third, multiply(y, fifth)))));
}

ATALANTA_FUNCTION DoubleSingle tail_difference(DoubleSingle h, DoubleSingle s) {
    if (s.hi <= kNarrow) return narrow_difference(h, s);
    const DoubleSingle middle = times_power(s, 0.5f);
    return subtract(tail_at(subtract(h, middle)).value, tail_at(add(h, middle)).value);
}

}  // namespace atalanta_gpu
