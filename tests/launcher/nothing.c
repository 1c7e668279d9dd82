/* A program that ends at once: what is left of its time is starting it. */
int main(void) { return 0; }
