"""The drift check: does what runs still match what is declared?"""
