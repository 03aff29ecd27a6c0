extension CronExpression {
    /// Says what the expression means, in plain words: `at 19:00, Monday to Friday`.
    public func english() -> String {
        let time = TimeInEnglish(masks).phrase
        let date = DateInEnglish(masks)
        if date.isEveryDay, masks.month == 0x1FFE, masks.years == nil {
            return time.namesClock ? time.text + " every day" : time.text
        }
        return time.text + date.phrase
    }
}
