/** The bot's token in tests. */
export const TOKEN = '4242:a-token-of-the-tests-0123456789';
