extension Int64 {
    /// Takes the nearest whole number, at the ends of the range for what lies beyond them; 0 for what is no number.
    public init(saturating number: Double) {
        if number.isNaN {
            self = 0
        } else {
            // 2^63 is no Int64, and the largest double below it is one.
            self = number >= 0x1p63 ? .max : number < -0x1p63 ? .min : Int64(number)
        }
    }
}
